import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { HubError } from './hubError.js';

/** What a shared access policy permits in the registry; writing includes reading, as in the hub. */
export type RegistryRight = 'read' | 'write';

/** A shared access policy of the hub. */
export interface Policy {
  name: string;
  right: RegistryRight;
  /** base64 of 32 bytes */
  key: string;
}

/** The policies of a new hub that concern its registry. */
const rights: Record<string, RegistryRight> = {
  iothubowner: 'write',
  registryReadWrite: 'write',
  registryRead: 'read',
};

const keysByPolicy = z.record(z.string(), z.string().min(1));

/**
 * The hub's shared access policies. Their keys are made at the first start and kept in the folder, so that connection strings
 * stay valid.
 *
 * @param folder undefined: new keys each time
 */
export async function loadPolicies(folder: string | undefined): Promise<Policy[]> {
  const known = folder ? await readKeys(join(folder, 'policies.json')) : {};
  const policies = Object.entries(rights).map(([name, right]) => ({
    name,
    right,
    key: known[name] ?? randomBytes(32).toString('base64'),
  }));
  if (folder && policies.some(({ name }) => !known[name])) await writeKeys(folder, policies);
  return policies;
}

async function readKeys(file: string): Promise<Record<string, string>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  return keysByPolicy.parse(JSON.parse(text));
}

/** Never half a file, should the process be killed here. */
async function writeKeys(folder: string, policies: Policy[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'policies.json');
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(JSON.stringify(Object.fromEntries(policies.map(({ name, key }) => [name, key]))));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

export interface SignatureCheck {
  policies: Policy[];
  /** The request's path, decoded: the token's resource must be the hub, or a part of this path. */
  path: string;
  needs: RegistryRight;
  /** milliseconds since 1970 */
  now: number;
}

/** The names that this hub goes by. A real hub's name has no port; here it may have one, since the connection string does. */
export const isHubName = (host: string) => /^(localhost|127\.0\.0\.1)(:\d+)?$/i.test(host);

/**
 * Checks an `Authorization` header such as `SharedAccessSignature sr=<host>&sig=…&skn=<policy>&se=<epoch seconds>`.
 *
 * The signature is over `sr` as it was sent and `se`, joined by a line break. The hub answers every kind of fault alike, and so
 * does this. Tokens of Entra ID (`Bearer …`) cannot be checked here, and are refused.
 *
 * @throws HubError IotHubUnauthorizedAccess (401)
 */
export function checkSharedAccessSignature(authorization: string | undefined, check: SignatureCheck): Policy {
  const [, token] = /^SharedAccessSignature\s+(\S+)$/.exec(authorization ?? '') ?? [];
  const fields = new Map((token ?? '').split('&').map((part) => splitOnce(part)));
  const policy = check.policies.find(({ name }) => name === decode(fields.get('skn')));
  const [resource, signature, expiry] = ['sr', 'sig', 'se'].map((name) => fields.get(name) ?? '');
  if (
    !policy ||
    !resource ||
    !expiry ||
    !isSignedBy(policy, resource, expiry, decode(signature)) ||
    !/^\d+$/.test(expiry) ||
    Number(expiry) * 1000 <= check.now ||
    !covers(decode(resource), check.path) ||
    (check.needs === 'write' && policy.right !== 'write')
  ) {
    throw new HubError('IotHubUnauthorizedAccess', 'Unauthorized');
  }
  return policy;
}

function isSignedBy(policy: Policy, resource: string, expiry: string, signature: string): boolean {
  const key = Buffer.from(policy.key, 'base64');
  const expected = createHmac('sha256', key).update(`${resource}\n${expiry}`).digest();
  const given = Buffer.from(signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function covers(resource: string, path: string): boolean {
  const [host = '', ...parts] = resource.split('/');
  const prefix = parts.length > 0 ? `/${parts.join('/')}` : '';
  return isHubName(host) && (path === prefix || path.startsWith(`${prefix}/`));
}

function splitOnce(part: string): [string, string] {
  const at = part.indexOf('=');
  return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
}

function decode(text = ''): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
