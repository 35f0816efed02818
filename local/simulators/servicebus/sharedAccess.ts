import { createHmac, timingSafeEqual } from 'node:crypto';
import type { EpochMs } from '../../../src/shared/time.js';
import { BrokerError } from './engine/BrokerError.js';

export type Right = 'Manage' | 'Send' | 'Listen';

interface Policy {
  key: string;
  rights: readonly Right[];
}

/**
 * The access policies of the local broker, by name. One policy has all rights; the other policy has only the rights that a
 * worker needs. The keys are not secret, because they only protect a port on loopback. The broker checks signatures and
 * rights so that a client with a wrong signature or a missing right fails locally as on Azure.
 */
const policies = {
  RootManageSharedAccessKey: {
    key: 'local-broker-key-which-is-no-secret',
    rights: ['Manage', 'Send', 'Listen'],
  },
  SendAndListen: { key: 'local-broker-key-without-manage', rights: ['Send', 'Listen'] },
} as const satisfies Record<string, Policy>;

export type PolicyName = keyof typeof policies;

/** The rights of a token, and the path of the entity. The path `''` stands for all entities. */
export interface Claim {
  path: string;
  rights: readonly Right[];
}

export const connectionStringFor = (port: number, policy: PolicyName = 'RootManageSharedAccessKey') =>
  `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=${policy};SharedAccessKey=${policies[policy].key};UseDevelopmentEmulator=true`;

/**
 * Checks a shared access signature.
 * @throws BrokerError `unauthorized`
 */
export function checkSignature(token: string, now: EpochMs): Claim {
  const fields = new URLSearchParams(token.replace(/^SharedAccessSignature /, '').replaceAll('+', '%2B'));
  const [resource, expires] = [fields.get('sr') ?? '', fields.get('se') ?? ''];
  // Clients sign the encoded form of the resource, so this code uses the text before decoding.
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

/**
 * The entity's path in lower case, from an address such as `sb://localhost:5672/queue` or
 * `https://localhost:5672/queue?api-version=2021-05`.
 */
const pathOf = (resource: string) =>
  resource
    .toLowerCase()
    .replace(/^[a-z]+:\/\/[^/]*\/?/, '')
    .replace(/\/*(\?.*)?$/, '');

/** True if the claim covers this entity and includes at least one of these rights. */
export function permits({ path, rights }: Claim, entity: string, oneOf: readonly Right[]): boolean {
  const lower = entity.toLowerCase();
  return (
    oneOf.some((right) => rights.includes(right)) &&
    (path === '' || lower === path || lower.startsWith(`${path}/`))
  );
}

export const unauthorized = (why: string) => new BrokerError('unauthorized', `Unauthorized access: ${why}.`);
