import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Answer, Handle, ReceivedRequest } from '../shared/requests.js';
import { errorAnswer, HubError } from './hubError.js';
import { type RegistryOperationsOptions, registryOperations } from './registryOperations.js';

export interface RegistryApiOptions extends RegistryOperationsOptions {
  policies: Policy[];
}

/** For the request counts. */
export const registryPattern = ({ path }: ReceivedRequest) =>
  path.replace(/^\/(devices|twins)\/(?!query$).+/, '/$1/{id}');

/**
 * Makes the identity registry's REST API (`api-version` 2021-04-12), a function from request to answer. A wrong
 * version, token or path is answered here and costs no operation. `registryOperations` answers everything else. Every answer of the
 * hub has a request id; the answer of a fault has none, because a fault stands for a gateway.
 */
export function registryApi({ policies, ...options }: RegistryApiOptions): Handle {
  const operationsAt = registryOperations(options);
  const answer = async (request: ReceivedRequest): Promise<Answer> => {
    try {
      const { method, path, headers } = request;
      checkApiVersion(request.query.get('api-version'));
      const needs = rightFor(method, path);
      checkSharedAccessSignature(headers.authorization, {
        policies,
        path,
        needs,
        now: Date.now(),
      });
      const operations = operationsAt(path);
      if (!operations) throw new HubError('ResourceNotFound', 'Not found');
      const operation = operations[method];
      if (!operation) throw new HubError('MethodNotAllowed', `Method ${method} is not allowed here`);
      return await operation(request);
    } catch (error) {
      if (error instanceof HubError) return errorAnswer(error);
      throw error;
    }
  };
  return async (request) => {
    const { headers, ...rest } = await answer(request);
    return { ...rest, headers: { ...headers, 'x-ms-request-id': randomUUID() } };
  };
}

/**
 * The service's documented versions since 2018, previews included. The hub refuses a version that it does not know, however well the
 * version is formed.
 */
const apiVersions = new Set([
  '2018-04-01',
  '2018-06-30',
  '2019-03-30',
  '2019-07-01-preview',
  '2019-10-01',
  '2020-03-13',
  '2020-05-31-preview',
  '2020-09-30',
  '2021-04-12',
]);

function rightFor(method: string, path: string): RegistryRight {
  return method === 'GET' || path === '/devices/query' ? 'read' : 'write';
}

function checkApiVersion(version: string | null): void {
  if (version !== null && apiVersions.has(version)) return;
  throw new HubError('InvalidProtocolVersion', 'BadRequest: api-version is missing or not supported');
}

/** The permission of a shared access policy in the registry. Writing includes reading, as in the hub. */
export type RegistryRight = 'read' | 'write';

/** A shared access policy of the hub. */
export interface Policy {
  name: string;
  right: RegistryRight;
  /** base64 of 32 bytes */
  key: string;
}

/** The policies of a new hub, without the policies for other parts of the hub. */
const rights: Record<string, RegistryRight> = {
  iothubowner: 'write',
  registryReadWrite: 'write',
  registryRead: 'read',
};

const keysByPolicy = z.record(z.string(), z.string().min(1));

/**
 * Loads the hub's shared access policies. The first start makes the keys and later starts use the same keys:
 * connection strings stay valid.
 *
 * @param folder undefined: new keys at each start
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

/** Writes the file in one step: a killed process never leaves half a file behind. */
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
  /** The request's path, decoded. The token's resource must be the hub, or a prefix of this path. */
  path: string;
  needs: RegistryRight;
  /** Milliseconds since 1970. */
  now: number;
}

/**
 * Whether a host name means this hub. A real hub's name has no port. This hub's name may have a port, because the
 * connection string has a port.
 */
export const isHubName = (host: string) => /^(localhost|127\.0\.0\.1)(:\d+)?$/i.test(host);

/**
 * Checks an `Authorization` header, for example `SharedAccessSignature sr=<host>&sig=…&skn=<policy>&se=<epoch
 * seconds>`.
 *
 * The signature covers the encoded `sr` and `se`, joined by a line break. All faults get the same answer, as on the
 * hub. Tokens of Entra ID (`Bearer …`) cannot be checked here and are refused.
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
