import { createHash } from 'node:crypto';
import type { EpochMs } from '../shared/time.js';

/** Renewals are spread over this part of the lifetime past `RENEW_AT`. The rest is kept for retries. */
const spreadPart = 0.5;

/**
 * The moment at which a certificate falls due for renewal. The moment lies past the part `renewAt` of the lifetime and depends on the
 * uuid. Certificates from one burst would otherwise fall due in one night. The moment of a device never changes, so that a missed
 * renewal stays due.
 *
 * @param renewAt the part of the lifetime after which a worker replaces the certificate
 */
export function renewalTime(
  { uuid, notBefore, notAfter }: { uuid: string; notBefore: EpochMs; notAfter: EpochMs },
  renewAt: number,
): EpochMs {
  const life = notAfter - notBefore;
  return notBefore + life * (renewAt + (1 - renewAt) * spreadPart * fractionOf(uuid));
}

/** This part of the time between the renewal and the expiry may pass with retries. */
const retriesPart = 0.5;

/**
 * Whether a certificate should have been renewed long ago: half of the time from the renewal to the expiry has passed. The rule follows
 * the lifetime of the certificate and `renewAt`, so a healthy fleet with short certificates has no late certificate.
 */
export function isRenewalLate(
  certificate: { uuid: string; notBefore: EpochMs; notAfter: EpochMs },
  renewAt: number,
  now: EpochMs,
): boolean {
  const due = renewalTime(certificate, renewAt);
  return now >= due + (certificate.notAfter - due) * retriesPart;
}

/**
 * The time before the expiry in which a certificate of this lifetime is late for every device, ms. See `isRenewalLate`.
 *
 * @param lifeMs the lifetime of a certificate, ms
 */
export function lateAfterMs(lifeMs: number, renewAt: number): number {
  return lifeMs * (1 - renewAt) * (1 - spreadPart) * retriesPart;
}

/** A fraction from 0 to 1, evenly distributed over uuids and constant for each uuid. */
function fractionOf(uuid: string): number {
  return createHash('sha256').update(uuid).digest().readUInt32BE() / 2 ** 32;
}

/** The share of the hub's rate limit for renewals. */
export interface RenewalShare {
  /** The part of the rate limit, from 0 to 1. */
  part: number;
  /** The renewals of one run are spread over this time, ms. */
  spreadMs: number;
  /** The number of certificates that will expire before their renewal, because the hub has too few units. */
  late: number;
}

const hours = 3_600_000;
/** The timer runs daily. */
const betweenRunsMs = 24 * hours;
/** The requests of devices have the rest of the rate, and come before checks anyway. With one S1 unit, 6,000 renewals a day. */
const usual = { part: 0.25, spreadMs: 4 * hours };
/** Booting devices must not wait for all renewals, however many are due. With one S1 unit, 108,000 renewals a day. */
const mostPart = 0.75;
/** Certificates are renewed in the first half of their remaining time. The second half is kept for retries. */
const timeToUse = 0.5;

/**
 * The share of the rate limit that renews all due certificates within half of their remaining time. The usual share is a quarter of the
 * rate for four hours a day. If a quarter is too little, the share first takes more hours, and then more of the rate, up to three
 * quarters around the clock. Expired certificates do not enlarge the share. They come first anyway, and a certificate whose renewal keeps
 * failing must not take the rate from the others for ever.
 *
 * @param due the expiries of the due certificates, in ascending order
 * @param operationsPerMinute the hub's limit
 */
export function renewalShare(
  due: readonly EpochMs[],
  now: EpochMs,
  operationsPerMinute: number,
): RenewalShare {
  const perMs = operationsPerMinute / 60_000;
  let needed = 0;
  let late = 0;
  for (const [i, notAfter] of due.entries()) {
    const left = notAfter - now;
    if (left <= 0) continue;
    const operations = i + 1;
    needed = Math.max(needed, operations / (left * timeToUse * perMs));
    if (operations / (perMs * mostPart) > left) late += 1;
  }
  if (needed * betweenRunsMs <= usual.part * usual.spreadMs) return { ...usual, late };
  if (needed <= usual.part)
    return { part: usual.part, spreadMs: (needed / usual.part) * betweenRunsMs, late };
  return { part: Math.min(needed, mostPart), spreadMs: betweenRunsMs, late };
}
