import { heldThumbprint } from '../device/state.js';
import type { Summary } from '../device/summary.js';

export const certificateAges = ['expired', 'within7Days', 'within30Days', 'later'] as const;
/** When a certificate expires: it has, within 7 days, within 8 to 30 days, or later. */
export type CertificateAge = (typeof certificateAges)[number];
export type CertificateCounts = Record<CertificateAge, number>;

const dayMs = 86_400_000;

/**
 * @param now Unix ms
 * @returns null for a device that is to have no certificate, or has none, or one of which nobody knows when it expires
 */
export function certificateAge(summary: Summary, now: number): CertificateAge | null {
  const { operation, notAfter } = summary;
  if (operation === 'deprovision' || heldThumbprint(summary) === null || notAfter === null) return null;
  const left = notAfter - now;
  if (left <= 0) return 'expired';
  if (left <= 7 * dayMs) return 'within7Days';
  return left <= 30 * dayMs ? 'within30Days' : 'later';
}

export function noCertificates(): CertificateCounts {
  return { expired: 0, within7Days: 0, within30Days: 0, later: 0 };
}

/** The certificates in use, by when they expire. */
export async function countCertificates(
  summaries: Iterable<Summary> | AsyncIterable<Summary>,
  now: number,
): Promise<CertificateCounts> {
  const counts = noCertificates();
  for await (const summary of summaries) {
    const age = certificateAge(summary, now);
    if (age) counts[age] += 1;
  }
  return counts;
}
