import { createHmac, timingSafeEqual } from 'node:crypto';
import { BrokerError } from './engine/BrokerError.js';

export type Right = 'Manage' | 'Send' | 'Listen';

interface Policy {
  key: string;
  rights: readonly Right[];
}

/**
 * The access policies of the local broker by name: all rights, and no more than a worker needs. No secrets: they guard nothing
 * but a port on loopback, and are checked so that a client which signs wrongly, or lacks a right, fails here as it would in Azure.
 */
const policies = {
  RootManageSharedAccessKey: {
    key: 'local-broker-key-which-is-no-secret',
    rights: ['Manage', 'Send', 'Listen'],
  },
  SendAndListen: { key: 'local-broker-key-without-manage', rights: ['Send', 'Listen'] },
} as const satisfies Record<string, Policy>;

export type PolicyName = keyof typeof policies;

/** What a token permits, and for which path: `''` for all, otherwise an entity's. */
export interface Claim {
  path: string;
  rights: readonly Right[];
}

export const connectionStringFor = (port: number, policy: PolicyName = 'RootManageSharedAccessKey') =>
  `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=${policy};SharedAccessKey=${policies[policy].key};UseDevelopmentEmulator=true`;

/**
 * Checks a shared access signature.
 * @param now milliseconds since 1970
 * @throws BrokerError `unauthorized`
 */
export function checkSignature(token: string, now: number): Claim {
  const fields = new URLSearchParams(token.replace(/^SharedAccessSignature /, '').replaceAll('+', '%2B'));
  const [resource, expires] = [fields.get('sr') ?? '', fields.get('se') ?? ''];
  // The resource is signed as it is written, so not decoded.
  const written = /(?:^|[ &])sr=([^&]*)/.exec(token)?.[1] ?? '';
  const policy = Object.entries(policies).find(([name]) => name === fields.get('skn'))?.[1];
  if (!policy) throw unauthorized('the policy name is not one of this broker');
  const expected = createHmac('sha256', policy.key).update(`${written}\n${expires}`).digest();
  const given = Buffer.from(fields.get('sig') ?? '', 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw unauthorized('the token has an invalid signature');
  }
  if (!(Number(expires) * 1000 > now)) throw unauthorized('the token has expired');
  return { path: pathOf(resource), rights: policy.rights };
}

/** The entity's path in an address such as `sb://localhost:5672/queue` or `https://localhost:5672/queue?api-version=2021-05`, in lower case. */
const pathOf = (resource: string) =>
  resource
    .toLowerCase()
    .replace(/^[a-z]+:\/\/[^/]*\/?/, '')
    .replace(/\/*(\?.*)?$/, '');

/** Whether a token with this claim is good for this entity, with one of these rights. */
export function permits({ path, rights }: Claim, entity: string, oneOf: readonly Right[]): boolean {
  const lower = entity.toLowerCase();
  return (
    oneOf.some((right) => rights.includes(right)) &&
    (path === '' || lower === path || lower.startsWith(`${path}/`))
  );
}

export const unauthorized = (why: string) => new BrokerError('unauthorized', `Unauthorized access: ${why}.`);
