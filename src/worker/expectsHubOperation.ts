import type { DeviceRecord } from '../record/DeviceRecord.js';
import { accepts } from '../record/fits.js';

/**
 * Will the work need the hub's registry, as far as the record tells? Balena may tell otherwise: then the run reserves a slot
 * when it needs one.
 *
 * @param now Unix ms
 * @param renewAt the part of a certificate's life after which it is renewed
 */
export function expectsHubOperation(
  { desired, observed, ticket }: DeviceRecord,
  now: number,
  renewAt: number,
): boolean {
  const { thumbprint, hub, notBefore, notAfter } = observed;
  if (!desired.present || ticket?.distrust || thumbprint === null || !accepts(hub, thumbprint)) return true;
  if (thumbprint === desired.retire) return true;
  if (desired.revoke && desired.retire !== undefined && accepts(hub, desired.retire)) return true;
  return notBefore !== null && notAfter !== null && now >= notBefore + (notAfter - notBefore) * renewAt;
}
