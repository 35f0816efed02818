import type { EpochMs } from '../shared/time.js';
import type { Desired, DeviceRecord, OwnCertificate, OwnKey, Retirement, VariableScope } from './record.js';
import { isSamePlace, validFallback } from './refusal.js';
import { hubAccepts, isToRetire, isToRevoke } from './state.js';

/** The own certificate in a request. */
export interface RequestedOwnKey extends OwnCertificate {
  /** The thumbprint of the certificate that the device says it connects with. */
  uses?: string | undefined;
}

/**
 * A request to provision a device at a service ('' for the device level), to register the certificate of its own key, or to deprovision the
 * device.
 */
export type DeviceRequest = (
  | {
      uuid: string;
      present: true;
      service: VariableScope;
      own?: undefined;
      retire?: string;
      revoke?: boolean;
    }
  | { uuid: string; present: true; service: null; own: RequestedOwnKey; retire?: string; revoke?: boolean }
  | { uuid: string; present: false }
) & {
  /** The work must not begin before this time; default: now. */
  due?: EpochMs;
  /** The worker asks the hub instead of trusting the record. */
  forceVerify?: boolean;
  /** An event of balena or the sweep requests, and not a caller who may have invented the UUID. */
  announced?: true;
  /** The id of the bulk action that makes this request. */
  action?: string;
};

/**
 * Whether the record already has the same desired state: presence, service, own certificate, and no new thumbprint to retire or to revoke. A
 * device that shows for the first time that it uses its own certificate makes a new request.
 */
export function isSameRequest(
  request: DeviceRequest,
  record: Pick<DeviceRecord, 'desired' | 'observed'>,
): boolean {
  const { desired } = record;
  if (request.present !== desired.present) return false;
  if (!request.present) return true;
  if (request.service !== desired.service) return false;
  if (request.own && request.own.thumbprint !== desired.own?.thumbprint) return false;
  if (request.own && !desired.own?.handedOver && showsUse(request.own, record)) return false;
  if (request.retire === undefined) return true;
  return isToRetire(desired, request.retire) && (!request.revoke || isToRevoke(desired, request.retire));
}

/** Whether the device says that it uses one of its own certificates, and the hub is known to accept that certificate. */
function showsUse(
  { uses }: RequestedOwnKey,
  { desired, observed }: Pick<DeviceRecord, 'desired' | 'observed'>,
): boolean {
  if (uses === undefined || !desired.own) return false;
  const isOwn = uses === desired.own.thumbprint || uses === desired.own.before;
  return isOwn && hubAccepts(observed.hub, uses);
}

/** The own key after a request. @param found the record so far; null if there is none */
function ownKeyBy(request: RequestedOwnKey, found: Found | null): OwnKey {
  const { uses: _, ...own } = request;
  const isHandedOver = found?.desired.own?.handedOver || (found !== null && showsUse(request, found));
  return { ...own, before: beforeOf(request, found), ...(isHandedOver && { handedOver: true as const }) };
}

/**
 * The own certificate that the hub accepts beside the requested one. A certificate that the hub never accepted does not replace the one before,
 * unless the device says that it uses it.
 */
function beforeOf({ thumbprint, uses }: RequestedOwnKey, found: Found | null): string | null {
  const own = found?.desired.own;
  if (!own) return null;
  if (own.thumbprint === thumbprint) return own.before;
  if (uses !== undefined && (uses === own.thumbprint || uses === own.before)) return uses;
  const { observed } = found;
  const wasAccepted = observed.thumbprint === own.thumbprint || hubAccepts(observed.hub, own.thumbprint);
  return wasAccepted ? own.thumbprint : own.before;
}

type Found = Pick<DeviceRecord, 'desired' | 'job' | 'observed' | 'fallback'>;

/**
 * The desired state of a new request.
 *
 * @param found the record so far; null if there is none
 * @param requestId the id of the new request
 */
export function desiredBy(
  request: DeviceRequest,
  found: Found | null,
  requestId: string,
  now: EpochMs,
): Desired {
  const before = found?.desired;
  const place = { present: request.present, service: request.present ? request.service : null };
  const valid = found && validFallback(found)?.desired;
  const isValidated = [before, valid].some((each) => each?.validated && isSamePlace(each, place));
  return {
    ...place,
    ...(request.present && request.own && { own: ownKeyBy(request.own, found) }),
    requestId,
    requestedAt: now,
    ...(request.present && before?.present && before.movedAt !== undefined && { movedAt: before.movedAt }),
    ...(request.present && isValidated && { validated: true }),
    ...(request.present && request.announced && { announced: true as const }),
    ...newKeysBy(request, found, now),
    ...retirement(request, found),
  };
}

/**
 * The most requests for another own key of a device within `newKeysWithinMs`. Each such request costs a registry operation. Without the limit, 100 devices
 * with a lost volume every minute use up the whole rate of one S1 unit, and every other device of the fleet waits behind these devices.
 */
export const mostNewKeys = 3;
export const newKeysWithinMs = 30 * 60_000;

/** @returns true if the request names an own key, and the record does not have this key */
export function isForNewKey(request: DeviceRequest, { own }: Desired): boolean {
  return request.present && request.own !== undefined && request.own.thumbprint !== own?.thumbprint;
}

/** @returns the time of the next possible request for another own key; 0: now */
export function nextNewKeyAt({ newKeys = [] }: Desired): EpochMs {
  const [oldest = 0] = newKeys;
  return newKeys.length < mostNewKeys ? 0 : oldest + newKeysWithinMs;
}

/** A revocation forgets the earlier requests: a new key is its remedy. */
function newKeysBy(request: DeviceRequest, found: Found | null, now: EpochMs): Pick<Desired, 'newKeys'> {
  if (!request.present || request.retire !== undefined || !found?.desired.present) return {};
  const { newKeys: earlier = [] } = found.desired;
  const newKeys = isForNewKey(request, found.desired) ? [...earlier, now].slice(-mostNewKeys) : earlier;
  return newKeys.length > 0 ? { newKeys } : {};
}

/**
 * The most thumbprints in each list. At most two thumbprints wait at the hub, and at most a few in the scopes of the device, so
 * a thumbprint that leaves the list is done. With eight of them a message stays below 2 KB.
 */
export const mostRetired = 8;

/**
 * The thumbprints to retire and to revoke: those of the earlier requests, and the new one. The list to retire is kept until a deprovisioning is
 * done. The list to revoke stays: a device keeps its own key, and a revoked certificate must not come back after a deprovisioning.
 */
function retirement(request: DeviceRequest, found: Found | null): Retirement {
  const keeps = found !== null && (found.desired.present || found.job !== null);
  const retire = (keeps && found.desired.retire) || [];
  const revoke = found?.desired.revoke ?? [];
  if (!request.present || request.retire === undefined) return retirementOf(retire, revoke);
  return retirementOf(
    newest(retire, request.retire, found),
    request.revoke ? newest(revoke, request.retire, found) : revoke,
  );
}

/** Adds a thumbprint. If the list is full, the oldest thumbprint leaves that neither the device nor the hub is known to use; otherwise the oldest. */
function newest(list: readonly string[], thumbprint: string, found: Found | null): string[] {
  const others = list.filter((each) => each !== thumbprint);
  if (others.length >= mostRetired) {
    const unused = others.findIndex((each) => found && !isInUse(found.observed, each));
    others.splice(Math.max(unused, 0), 1);
  }
  return [...others, thumbprint];
}

function isInUse({ thumbprint, previous, hub }: DeviceRecord['observed'], each: string): boolean {
  return each === (thumbprint ?? previous) || !Array.isArray(hub) || hubAccepts(hub, each);
}

/** The two lists, in the form of a record: without empty lists. */
export function retirementOf(retire: readonly string[] = [], revoke: readonly string[] = []): Retirement {
  return { ...(retire.length > 0 && { retire }), ...(revoke.length > 0 && { revoke }) };
}
