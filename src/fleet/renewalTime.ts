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
