import { createHash, timingSafeEqual } from 'node:crypto';
import type { Keys } from './readKeys.js';

export type AuthLevel = 'anonymous' | 'function' | 'admin';

/** @param presented the key that came with the request; see `presentedKey` */
export function mayCall(
  keys: Keys,
  functionName: string,
  level: AuthLevel,
  presented: string | undefined,
): boolean {
  if (level === 'anonymous') return true;
  if (!presented) return false;
  const master = keys.master === undefined ? [] : [keys.master];
  if (level === 'admin') return isOneOf(master, presented);
  const [, own = {}] =
    Object.entries(keys.functions).find(([name]) => name.toLowerCase() === functionName.toLowerCase()) ?? [];
  return isOneOf([...master, ...Object.values(keys.host), ...Object.values(own)], presented);
}

/** The header `x-functions-key`, or, only where there is none, the query parameter `code`. */
export function presentedKey(header: string | undefined, url: string): string | undefined {
  if (header !== undefined) return header;
  const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
  return new URLSearchParams(query).get('code') ?? undefined;
}

/** Looks at every key, and at every byte of it: the time taken says nothing about the keys. */
function isOneOf(keys: string[], presented: string): boolean {
  const digest = sha256(presented);
  return keys.map((key) => timingSafeEqual(sha256(key), digest)).includes(true);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
