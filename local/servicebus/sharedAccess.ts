import { createHmac, timingSafeEqual } from 'node:crypto';
import { BrokerError } from './engine/BrokerError.js';

/**
 * The one access policy of the local broker. Not a secret: it guards nothing but a port on loopback, and is checked so that
 * a client which signs wrongly fails here as it would in Azure.
 */
export const sharedAccess = {
  keyName: 'RootManageSharedAccessKey',
  key: 'local-broker-key-which-is-no-secret',
};

/**
 * Checks a shared access signature.
 * @param now milliseconds since 1970
 * @returns the path that it is for: `''` for all, otherwise an entity's
 * @throws BrokerError `unauthorized`
 */
export function checkSignature(token: string, now: number): string {
  const fields = new URLSearchParams(token.replace(/^SharedAccessSignature /, '').replaceAll('+', '%2B'));
  const [resource, expires] = [fields.get('sr') ?? '', fields.get('se') ?? ''];
  // The resource is signed as it is written, so not decoded.
  const written = /(?:^|[ &])sr=([^&]*)/.exec(token)?.[1] ?? '';
  const expected = createHmac('sha256', sharedAccess.key).update(`${written}\n${expires}`).digest();
  const given = Buffer.from(fields.get('sig') ?? '', 'base64');
  if (fields.get('skn') !== sharedAccess.keyName)
    throw unauthorized('the policy name is not one of this broker');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw unauthorized('the token has an invalid signature');
  }
  if (!(Number(expires) * 1000 > now)) throw unauthorized('the token has expired');
  return pathOf(resource);
}

/** The entity's path in an address such as `sb://localhost:5672/queue` or `https://localhost:5672/queue?api-version=2021-05`, in lower case. */
const pathOf = (resource: string) =>
  resource
    .toLowerCase()
    .replace(/^[a-z]+:\/\/[^/]*\/?/, '')
    .replace(/\/*(\?.*)?$/, '');

/** Whether a token for this path is good for this entity. */
export const covers = (path: string, entity: string): boolean =>
  path === '' || entity.toLowerCase() === path || entity.toLowerCase().startsWith(`${path}/`);

export const unauthorized = (why: string) => new BrokerError('unauthorized', `Unauthorized access: ${why}.`);
