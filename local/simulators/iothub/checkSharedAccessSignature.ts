import { createHmac, timingSafeEqual } from 'node:crypto';
import { HubError } from './hubError.js';
import type { Policy, RegistryRight } from './policies.js';

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
