import { verify, X509Certificate } from 'node:crypto';
import pLimit from 'p-limit';
import type { KeyToSign, OwnCertificate } from '../../device/record.js';
import { type CaCertificates, isIssued } from '../../shared/caCertificates.js';
import { ProvisioningError } from '../../shared/errors.js';
import { CallTimeout, withDeadline } from '../../shared/network.js';
import type { Clock, EpochMs } from '../../shared/time.js';
import type { CaKey } from './caKey.js';
import { issue } from './issue.js';
import { openPause } from './pause.js';

/** The CA that signs certificates for the own keys of devices. */
export interface Ca {
  /**
   * Signs a certificate `CN={uuid}` for a key.
   *
   * @param timeoutMs the longest time for the signature, ms. The wait for other signatures is included
   * @throws ProvisioningError `ca-…`
   */
  sign(uuid: string, own: KeyToSign, timeoutMs: number): Promise<OwnCertificate>;
  /** Lets the CA sign some bytes. @throws ProvisioningError `ca-…` if no certificate could be signed */
  check(): Promise<void>;
  /** The PEM of the CA's certificates, if the CA has issued the certificate; otherwise null. @param certificate base64 of the DER */
  chainOf(certificate: string): string | null;
  /** The end of the CA's own certificate. */
  readonly notAfter: EpochMs;
}

/** A signature from Key Vault takes about 100 ms. */
const mostAtATime = 8;
/** Half of a lease: a run that holds its lease does not lose the lease during a signature. */
const longestCallMs = 10_000;
const dayMs = 86_400_000;
/** What a check signs. */
const tried = Buffer.from('a check of the CA');
const otherKey =
  'The signature does not fit to the certificate of the CA: key and CA_CERTIFICATE do not belong together.';

/**
 * Opens a CA.
 *
 * @param days the lifetime of certificates, days
 */
export function openCa(
  certificates: CaCertificates,
  key: CaKey,
  { days, clock }: { days: number; clock: Clock },
): Ca {
  const limit = pLimit(mostAtATime);
  const pause = openPause(clock);

  async function sign(uuid: string, own: KeyToSign, timeoutMs: number): Promise<OwnCertificate> {
    const now = clock.now();
    expectValid(certificates, now);
    const signed = await pause.unless(() => issue(certificates, key, { uuid, own, now, days, timeoutMs }));
    if (isOfCa(signed.certificate ?? '')) return signed;
    throw unusable(otherKey);
  }

  async function check(timeoutMs: number): Promise<void> {
    expectValid(certificates, clock.now());
    if (!(await pause.unless(() => belongsTo(certificates, key, timeoutMs)))) throw unusable(otherKey);
  }

  /** Makes a call when fewer than `mostAtATime` calls are under way. The time limit includes the wait, and a call whose time is over is not made. */
  async function inTurn<R>(timeoutMs: number, call: (ms: number) => Promise<R>): Promise<R> {
    const ms = Math.min(timeoutMs, longestCallMs);
    const until = clock.now() + ms;
    try {
      return await withDeadline(ms, (signal) =>
        limit(() => {
          signal.throwIfAborted();
          return call(Math.max(1, until - clock.now()));
        }),
      );
    } catch (error) {
      if (!(error instanceof CallTimeout)) throw error;
      throw new ProvisioningError('ca-unavailable', 'The CA did not sign in time.', { step: 'sign' });
    }
  }

  function isOfCa(certificate: string): boolean {
    return isIssued(new X509Certificate(Buffer.from(certificate, 'base64')), certificates.signer);
  }

  return {
    sign: (uuid, own, timeoutMs) => inTurn(timeoutMs, (ms) => sign(uuid, own, ms)),
    check: () => inTurn(longestCallMs, check),
    chainOf: (certificate) => (isOfCa(certificate) ? certificates.chain : null),
    notAfter: certificates.notAfter,
  };
}

/**
 * Lets the key of a CA sign some bytes.
 *
 * @param timeoutMs the longest duration of the signature; default: 10 s
 * @returns whether the signature fits to the certificate of the CA, so key and certificate belong together
 * @throws ProvisioningError `ca-…` if the key signs nothing
 */
export async function belongsTo(
  { algorithm, signer }: CaCertificates,
  key: CaKey,
  timeoutMs = longestCallMs,
): Promise<boolean> {
  const signature = await key.sign(algorithm, tried, timeoutMs);
  const publicKey = { key: signer.publicKey, dsaEncoding: 'ieee-p1363' as const };
  return verify(algorithm.hash, tried, publicKey, signature);
}

/** @throws ProvisioningError `ca-unusable` */
function expectValid({ notBefore, notAfter }: CaCertificates, now: EpochMs): void {
  if (now < notBefore) throw unusable('The certificate of the CA is not valid yet.');
  if (now >= notAfter) throw unusable('The certificate of the CA has expired.');
  // The lifetime of new certificates shrinks with that of the CA, and each renewal would come sooner than the one before.
  if (notAfter - now < dayMs) throw unusable('The certificate of the CA expires within a day.');
}

function unusable(message: string): ProvisioningError {
  return new ProvisioningError('ca-unusable', message, { step: 'sign' });
}

/** Stands for a CA that is not configured, or whose file cannot be read. @param why a sentence */
export function noCa(why: string): Ca {
  const fail = async () => {
    throw unusable(why);
  };
  return {
    sign: fail,
    check: fail,
    chainOf: () => null,
    notAfter: Number.POSITIVE_INFINITY,
  };
}
