import { createHash, type X509Certificate } from 'node:crypto';
import { isHubName } from './checkSharedAccessSignature.js';
import type { StoredIdentity } from './deviceIdentity.js';

/** What a device shows when it connects. */
export interface Credentials {
  clientId: string;
  username: string | undefined;
  /** Of the TLS connection: the handshake has proven that the device holds its private key. */
  certificate: X509Certificate | undefined;
}

/**
 * Why a device may not connect, or undefined if it may. As the hub does with thumbprints, it looks at match and validity only:
 * not at the issuer, the subject or a revocation list. Devices that authenticate otherwise (tokens, CA) are always refused here.
 */
export function reasonToRefuse(
  { clientId, username, certificate }: Credentials,
  identity: StoredIdentity | undefined,
  now = Date.now(),
): string | undefined {
  const user = /^([^/]+)\/([^/]+)\/\?(.*)$/.exec(username ?? '');
  if (!user) return 'its username is not <host name>/<device id>/?api-version=...';
  const [, host = '', deviceId, query] = user;
  if (!isHubName(host)) return 'its username names another hub';
  if (deviceId !== clientId) return 'its username and its client id differ';
  if (!new URLSearchParams(query).get('api-version')) return 'its username has no api-version';
  if (!identity) return 'it is not registered';
  if (identity.status !== 'enabled') return 'it is disabled';
  if (identity.authentication.type !== 'selfSigned')
    return `${identity.authentication.type} is not supported here`;
  if (!certificate) return 'it shows no certificate';
  if (!matches(identity, certificate)) return 'its certificate is not the registered one';
  if (now < certificate.validFromDate.getTime()) return 'its certificate is not valid yet';
  if (now > certificate.validToDate.getTime()) return 'its certificate has expired';
  return undefined;
}

/** Either slot may match, by SHA-256 or SHA-1: the thumbprint's length says which. */
function matches({ authentication }: StoredIdentity, { raw }: X509Certificate): boolean {
  const { primaryThumbprint, secondaryThumbprint } = authentication.x509Thumbprint;
  return [primaryThumbprint, secondaryThumbprint].some((thumbprint) => {
    if (!thumbprint) return false;
    const hash = createHash(thumbprint.length === 40 ? 'sha1' : 'sha256').update(raw);
    return hash.digest('hex') === thumbprint.toLowerCase();
  });
}
