import { createHash } from 'node:crypto';

/** Of what is left of a certificate's life past `RENEW_AT`, the part over which renewals are spread; the rest is for retries. */
const spreadPart = 0.5;

/**
 * When a certificate is to be renewed: past `renewAt` of its life, at a moment of its own. Certificates that were minted in one burst
 * would otherwise fall due in one night; as it is always the same moment for the same device, one that was missed stays due.
 *
 * @param renewAt the part of a certificate's life after which a worker replaces it
 * @returns Unix ms
 */
export function renewalTime(
  { uuid, notBefore, notAfter }: { uuid: string; notBefore: number; notAfter: number },
  renewAt: number,
): number {
  const life = notAfter - notBefore;
  return notBefore + life * (renewAt + (1 - renewAt) * spreadPart * fractionOf(uuid));
}

/** From 0 to 1, evenly over devices, and always the same for one. */
function fractionOf(uuid: string): number {
  return createHash('sha256').update(uuid).digest().readUInt32BE() / 2 ** 32;
}

/** How much of the hub's pace renewals may fill, and for how long. */
export interface RenewalShare {
  /** Of the pace, from 0 to 1. */
  part: number;
  /** Over which the renewals of one run are spread, ms. */
  spreadMs: number;
  /** Certificates that will have expired before their turn comes, even so: the hub has too few units. */
  late: number;
}

const hours = 3_600_000;
/** A run comes daily. */
const betweenRunsMs = 24 * hours;
/** What devices ask for has the rest, and goes first anyway: checks stand back. With a unit of S1, 6,000 a day. */
const usual = { part: 0.25, spreadMs: 4 * hours };
/** Whatever expires: devices that boot must not wait for all of it. With a unit of S1, 108,000 a day. */
const mostPart = 0.75;
/** Of the time that is left to a certificate's end, the part in which it is renewed; the rest is for what fails. */
const timeToUse = 0.5;

/**
 * The share of the pace with which all that is due is renewed within half of the time that is left to it. That is a quarter of the pace
 * for four hours a day, as long as it is enough; then more hours; then more of the pace, up to three quarters around the clock. Certificates
 * that have expired already do not widen it: they come first, and one that cannot be renewed must not take the pace from the others for ever.
 *
 * @param due when the certificates that are due expire, Unix ms, the first first
 * @param now Unix ms
 * @param operationsPerMinute the hub's limit
 */
export function renewalShare(due: readonly number[], now: number, operationsPerMinute: number): RenewalShare {
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
