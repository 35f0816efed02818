import type { Observed } from './DeviceRecord.js';

/**
 * The thumbprint of the certificate that a device uses, as far as is known; null if it has none. While a pair is being stored, and
 * after a run that failed in the middle of it, the record has no thumbprint: the device still uses the one before.
 */
export function heldThumbprint({
  thumbprint,
  previous,
}: Pick<Observed, 'thumbprint' | 'previous'>): string | null {
  return thumbprint ?? previous;
}

/** Was a new pair begun to be stored, and not to its end? Its dates are then those of the certificate before, as far as is known. */
export function isHalfStored({ thumbprint, previous }: Pick<Observed, 'thumbprint' | 'previous'>): boolean {
  return thumbprint === null && previous !== null;
}
