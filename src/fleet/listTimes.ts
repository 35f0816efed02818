import { renewalTime } from '../certificates/renewal.js';
import type { ListTimes } from '../device/lists.js';
import type { DeviceRecord } from '../device/record.js';
import { refusedPart } from '../device/refusal.js';
import {
  attentionOf,
  heldThumbprint,
  isHalfStored,
  isInDesiredState,
  isUnknownDevice,
  pendingWork,
} from '../device/state.js';
import type { EpochMs } from '../shared/time.js';

/** The settings that decide about the times of lists. */
export interface ListSettings {
  /** The fraction of a certificate's lifetime after which the certificate is renewed, from 0 to 1. */
  renewAt: number;
  /** The time after which the record of a deprovisioned device is removed, ms; null: never. */
  keepDeprovisionedMs: number | null;
}

const dayMs = 86_400_000;
/** An identity that somebody has deleted at the hub is found after this time, even if the device is silent. */
export const verifyAfterMs = 7 * dayMs;
/** The record of a device that balena never had answers repeated requests for this time. */
const keepUnknownMs = dayMs;

/** The lists that a record needs, with their times. See `ListName`. */
export function listTimesOf(record: DeviceRecord, settings: ListSettings): ListTimes {
  const times: ListTimes = {};
  const work = pendingWork(record);
  const care = careTime(record, settings);
  const removal = removalTime(record, settings);
  const attention = attentionOf(record);
  if (work) times.pending = Math.round(work.due);
  if ((record.job?.dead && !isUnknownDevice(record)) || refusedPart(record)) times.dead = 0;
  if (attention) times[attention] = 0;
  if (care !== null) times.care = Math.round(care);
  const expiry = expiryTime(record);
  if (expiry !== null) times.expiring = Math.round(expiry);
  if (removal !== null) times.removal = Math.round(removal);
  return times;
}

/**
 * When the daily timer has to look at the device: at the renewal of its certificate, or when the hub has not answered a call for the device
 * for a week.
 *
 * @returns null for a device that has no certificate, should have none, or is outside the served fleets
 */
export function careTime(
  { uuid, desired, observed }: DeviceRecord,
  { renewAt }: ListSettings,
): EpochMs | null {
  const { outside, thumbprint, notBefore, notAfter, hubSeenAt = 0 } = observed;
  if (!desired.present || outside) return null;
  if (isHalfStored(observed)) return 0;
  if (thumbprint === null) return null;
  const verification = hubSeenAt === 0 ? 0 : hubSeenAt + verifyAfterMs;
  if (notBefore === null || notAfter === null) return verification;
  return Math.min(verification, renewalTime({ uuid, notBefore, notAfter }, renewAt));
}

/** The expiry of the device's certificate; null if the device has none, should have none, or if the expiry is unknown. As `expiryOf`. */
function expiryTime({ desired, observed }: DeviceRecord): EpochMs | null {
  return desired.present && !observed.outside && heldThumbprint(observed) !== null ? observed.notAfter : null;
}

/**
 * When the record may be removed: a day after a request for a device that balena never had, and `keepDeprovisionedMs` after a deprovisioning.
 *
 * @returns null for every other record, and while anything is pending or may need an operator
 */
export function removalTime(record: DeviceRecord, { keepDeprovisionedMs }: ListSettings): EpochMs | null {
  const { job, check, lease, late, error, completedAt, observed } = record;
  if (check || lease || late) return null;
  if (isUnknownDevice(record)) return (job?.dead?.at ?? 0) + keepUnknownMs;
  const refused = refusedPart(record);
  const isOpen = job !== null || error !== null || (refused !== null && !refused.job?.dead?.discarded);
  if (record.desired.present || isOpen || keepDeprovisionedMs === null) return null;
  if (!isInDesiredState(record)) return null;
  return Math.max(completedAt ?? 0, observed.verifiedAt) + keepDeprovisionedMs;
}
