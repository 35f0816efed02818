import type { EpochMs } from '../shared/time.js';

/** The expiry classes, the most urgent first. */
export const expiryClasses = ['expired', 'within7Days', 'within30Days', 'later'] as const;
/** The time until a certificate's expiry: expired, up to 7 days, up to 30 days, or later. */
export type ExpiryClass = (typeof expiryClasses)[number];
/** The number of certificates in each expiry class. */
export type CertificateCounts = Record<ExpiryClass, number>;

const dayMs = 86_400_000;

/** The expiry class of a certificate. @param expiresAt as `expiryOf` returns the time */
export function expiryClassOf(expiresAt: EpochMs | null, now: EpochMs): ExpiryClass | null {
  if (expiresAt === null) return null;
  const left = expiresAt - now;
  if (left <= 0) return 'expired';
  if (left <= 7 * dayMs) return 'within7Days';
  return left <= 30 * dayMs ? 'within30Days' : 'later';
}

/** Counts of zero. */
export function noCertificates(): CertificateCounts {
  return { expired: 0, within7Days: 0, within30Days: 0, later: 0 };
}

/** Counts certificates by the time until their expiry. @param expiries as `expiryOf` returns the times */
export function countCertificates(expiries: Iterable<EpochMs | null>, now: EpochMs): CertificateCounts {
  const counts = noCertificates();
  for (const expiresAt of expiries) {
    const expiryClass = expiryClassOf(expiresAt, now);
    if (expiryClass) counts[expiryClass] += 1;
  }
  return counts;
}
