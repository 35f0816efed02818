import type { EpochMs } from '../shared/time.js';
import type { Desired, DeviceRecord, VariableScope } from './record.js';

/** A request to provision a device at a service ('' for the device level), or to deprovision the device. */
export type DeviceRequest = (
  | { uuid: string; present: true; service: VariableScope; retire?: string; revoke?: boolean }
  | { uuid: string; present: false }
) & {
  /** The work must not begin before this time; default: now. */
  due?: EpochMs;
  /** The worker asks the hub instead of trusting the record. */
  forceVerify?: boolean;
  /** The id of the bulk action that makes this request. */
  action?: string;
};

/** Whether the record already has the same desired state: presence, service, and no new thumbprint to retire or to revoke. */
export function isSameRequest(request: DeviceRequest, { desired }: Pick<DeviceRecord, 'desired'>): boolean {
  if (request.present !== desired.present) return false;
  if (!request.present) return true;
  if (request.service !== desired.service) return false;
  if (request.retire === undefined) return true;
  return request.retire === desired.retire && (!request.revoke || desired.revoke === true);
}

/**
 * The desired state of a new request.
 *
 * @param found the record so far; null if there is none
 * @param requestId the id of the new request
 */
export function desiredBy(
  request: DeviceRequest,
  found: Pick<DeviceRecord, 'desired' | 'job' | 'fallback'> | null,
  requestId: string,
  now: EpochMs,
): Desired {
  const before = found?.desired;
  const place = { present: request.present, service: request.present ? request.service : null };
  const isValidated = [before, found?.fallback?.desired].some(
    (each) => each?.validated && each.present === place.present && each.service === place.service,
  );
  return {
    ...place,
    requestId,
    requestedAt: now,
    ...(request.present && before?.present && before.movedAt !== undefined && { movedAt: before.movedAt }),
    ...(request.present && isValidated && { validated: true }),
    ...retirement(request, found),
  };
}

/**
 * The thumbprint to retire. A thumbprint from an earlier request is kept until a deprovisioning is done. A revoked certificate must not
 * come back when the device is deprovisioned and provisioned again.
 */
function retirement(
  request: DeviceRequest,
  found: Pick<DeviceRecord, 'desired' | 'job'> | null,
): Pick<Desired, 'retire' | 'revoke'> {
  const before = found?.desired;
  if (request.present && request.retire !== undefined) {
    const wasRevoked = before?.revoke === true && before.retire === request.retire;
    return { retire: request.retire, revoke: request.revoke === true || wasRevoked };
  }
  if (!before || !(before.present || found.job)) return {};
  return {
    ...(before.retire !== undefined && { retire: before.retire }),
    ...(before.revoke && { revoke: true }),
  };
}
