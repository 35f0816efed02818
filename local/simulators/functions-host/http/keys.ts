import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const named = z.record(z.string(), z.string().min(1));

const shape = z.object({
  master: z.string().min(1).optional(),
  host: named.default({}),
  functions: z.record(z.string(), named).default({}),
});

/**
 * Access keys by name. A host key opens every function, a function key opens one function, and the master key opens
 * everything.
 */
export type KeyValues = z.infer<typeof shape>;

export type AuthLevel = 'anonymous' | 'function' | 'admin';

export interface Keys {
  /**
   * Checks a request's key against the access level of a function. As in the real host, a key that was accepted once is
   * accepted in any case.
   *
   * @param presented the request's key, see `presentedKey`
   */
  isAuthorized(functionName: string, level: AuthLevel, presented: string | undefined): Promise<boolean>;
}

/** In the real host, a key that another instance has changed stays valid for more than a minute. */
const defaultLateSeconds = 60;

/**
 * Reads `{"master": "...", "host": {"default": "..."}, "functions": {"provision": {"default": "..."}}}`. Without a file
 * there are no keys, and functions with a key answer 401.
 *
 * @param lateSeconds a change of the file takes effect after this time at the latest
 * @throws Error naming the file and the mistake, but never a key
 */
export async function openKeys(file: string | undefined, lateSeconds = defaultLateSeconds): Promise<Keys> {
  let keys = await readKeys(file);
  let readAt = performance.now();
  /** Functions and lower-case keys that were accepted since the last reading, as digests. */
  let accepted = new Set<string>();

  const refresh = async () => {
    if (file === undefined || performance.now() - readAt < lateSeconds * 1_000) return;
    readAt = performance.now();
    keys = await readKeys(file).catch(() => keys);
    accepted = new Set();
  };
  return {
    async isAuthorized(functionName, level, presented) {
      if (level === 'anonymous') return true;
      if (!presented) return false;
      await refresh();
      const entry = sha256(`${functionName} ${presented}`.toLowerCase()).toString('hex');
      if (accepted.has(entry)) return true;
      if (!isOneOf(keysFor(keys, functionName, level), presented)) return false;
      accepted.add(entry);
      return true;
    },
  };
}

/** The request's key: the header `x-functions-key`, or without such a header the query parameter `code`. */
export function presentedKey(header: string | undefined, url: string): string | undefined {
  if (header !== undefined) return header;
  const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
  return new URLSearchParams(query).get('code') ?? undefined;
}

async function readKeys(file: string | undefined): Promise<KeyValues> {
  if (file === undefined) return shape.parse({});
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    // The message of a JSON error quotes the surrounding text, and that text may be a key.
    const reason = error instanceof SyntaxError ? 'it is not JSON' : (error as Error).message;
    throw new Error(`the keys file ${file} cannot be read: ${reason}`);
  }
  const result = shape.safeParse(json);
  if (result.success) return result.data;
  const wrong = result.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  throw new Error(`the keys file ${file}: ${wrong.join('; ')}`);
}

function keysFor(keys: KeyValues, functionName: string, level: AuthLevel): string[] {
  const master = keys.master === undefined ? [] : [keys.master];
  if (level === 'admin') return master;
  const [, own = {}] =
    Object.entries(keys.functions).find(([name]) => name.toLowerCase() === functionName.toLowerCase()) ?? [];
  return [...master, ...Object.values(keys.host), ...Object.values(own)];
}

/** Compares all keys and all their bytes, so the duration reveals nothing about the keys. */
function isOneOf(keys: string[], presented: string): boolean {
  const digest = sha256(presented);
  return keys.map((key) => timingSafeEqual(sha256(key), digest)).includes(true);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
