import type { EpochMs } from '../shared/time.js';
import type {
  Desired,
  DeviceRecord,
  KeyToSign,
  OwnCertificate,
  OwnKey,
  Retirement,
  VariableScope,
} from './record.js';
import { isSamePlace, validFallback } from './refusal.js';
import { hubAccepts, isToRetire, isToRevoke, unrevokedBefore } from './state.js';

/** The own key in a request: with the certificate that the device has signed, or for a certificate of the CA. */
export type RequestedOwnKey = (OwnCertificate | KeyToSign) & {
  /** The thumbprint of the certificate that the device says it connects with. */
  uses?: string | undefined;
  /** With a key to sign: the time of the request, and the part of its life after which a certificate of the CA is replaced (RENEW_AT). */
  renewal?: { at: EpochMs; renewAt: number } | undefined;
};

/**
 * A request to provision a device at a service ('' for the device level), to register a certificate of its own key, or to deprovision the
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
  /** The caller has proved to be the device. */
  proved?: true;
  /** The id of the bulk action that makes this request. */
  action?: string;
};

/**
 * Whether the record already has the same desired state: presence, service, own certificate, and no new thumbprint to retire or to revoke. A
 * device that shows for the first time that it uses its own certificate, or that proves its identity for the first time, makes a new request. So
 * does the first announcement of a device that was never seen.
 */
export function isSameRequest(
  request: DeviceRequest,
  record: Pick<DeviceRecord, 'desired' | 'observed'>,
): boolean {
  const { desired } = record;
  if (request.present !== desired.present) return false;
  if (!request.present) return true;
  if (request.service !== desired.service || (request.proved && !desired.proved)) return false;
  if (request.announced && isUnknown(record)) return false;
  if (request.own && !meets(request.own, desired.own)) return false;
  if (request.own && !desired.own?.handedOver && showsUse(request.own, record)) return false;
  if (request.retire === undefined) return true;
  return isToRetire(desired, request.retire) && (!request.revoke || isToRevoke(desired, request.retire));
}

/** Whether a caller may have invented the device: the device was never seen, nobody has announced it, and it has not proved its identity. */
export function isUnknown({ desired, observed }: Pick<DeviceRecord, 'desired' | 'observed'>): boolean {
  return observed.fleet === null && !desired.announced && !desired.proved;
}

/**
 * Whether the record already has the own key of a request: the same certificate; or, for a certificate request, the same key with a CA's
 * certificate that is not due for renewal, or that the CA has still to sign.
 */
function meets(request: RequestedOwnKey, own: OwnKey | undefined): boolean {
  if (!own || own.key !== request.key) return false;
  if (request.thumbprint !== null || own.thumbprint === null) return own.thumbprint === request.thumbprint;
  return own.certificate !== undefined && !(request.renewal && isDue(own, request.renewal));
}

function isDue({ notBefore, notAfter }: OwnCertificate, { at, renewAt }: { at: EpochMs; renewAt: number }) {
  return at >= notBefore + (notAfter - notBefore) * renewAt;
}

/** Whether both are the same certificate of the same key. */
export function isSameOwn(one: OwnId | undefined, other: OwnId | undefined): boolean {
  return one?.key === other?.key && one?.thumbprint === other?.thumbprint;
}

type OwnId = Pick<OwnKey, 'key' | 'thumbprint'>;

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
  const { uses: _, renewal: __, ...requested } = request;
  const known = found?.desired.own;
  // A request for the known key keeps the certificate that the CA has signed.
  const own = known && meets(request, known) ? known : { ...requested, before: beforeOf(request, found) };
  const isHandedOver = known?.handedOver || (found !== null && showsUse(request, found));
  return { ...own, ...(isHandedOver && { handedOver: true as const }) };
}

/**
 * The own certificate that the hub accepts beside the requested one. A certificate that the hub never accepted does not replace the one before,
 * unless the device says that it uses it.
 */
function beforeOf(request: RequestedOwnKey, found: Found | null): string | null {
  const own = found?.desired.own;
  if (!own) return null;
  const { uses } = request;
  const { observed } = found;
  const { thumbprint } = own;
  const before = unrevokedBefore(found, own);
  if (uses !== undefined && (uses === thumbprint || uses === before)) return uses;
  if (thumbprint === null) return before;
  return observed.thumbprint === thumbprint || hubAccepts(observed.hub, thumbprint) ? thumbprint : before;
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
  // A change of service that others have caused does not delay a device that proves its identity.
  const keepsMove = request.present && before?.present && (before.proved || !request.proved);
  return {
    ...place,
    ...(request.present && request.own && { own: ownKeyBy(request.own, found) }),
    requestId,
    requestedAt: now,
    ...(keepsMove && before.movedAt !== undefined && { movedAt: before.movedAt }),
    ...(request.present && isValidated && { validated: true }),
    ...(request.present && request.announced && { announced: true as const }),
    ...(request.present &&
      (request.proved || (before?.present && before.proved)) && { proved: true as const }),
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

/** @returns true if the request is for another own certificate than the record's. Such a request costs a registry operation */
export function isForNewKey(request: DeviceRequest, { own }: Desired): boolean {
  return request.present && request.own !== undefined && !meets(request.own, own);
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
  const { revoke, revokedKeys } = found?.desired ?? {};
  const kept = { retire: keeps ? found.desired.retire : [], revoke, revokedKeys };
  if (!request.present || request.retire === undefined) return retirementOf(kept);
  const retire = newest(kept.retire, request.retire, found);
  return retirementOf({ ...kept, retire, ...(request.revoke && revocation(kept, request.retire, found)) });
}

/**
 * A revocation of an own certificate revokes its key: all certificates of the key are revoked, and none is accepted later. The device could
 * otherwise sign another certificate with the revoked key.
 */
function revocation({ revoke, revokedKeys = [] }: Retirement, thumbprint: string, found: Found | null) {
  const own = found?.desired.own;
  const keys: Record<string, string> = { ...found?.observed.ownKeys };
  if (own && own.thumbprint !== null) keys[own.thumbprint] = own.key;
  const key = keys[thumbprint];
  if (key === undefined) return { revoke: newest(revoke, thumbprint, found) };
  const others = Object.keys(keys).filter((each) => keys[each] === key && each !== thumbprint);
  return {
    revoke: [...others, thumbprint].reduce<readonly string[]>(
      (list, each) => newest(list, each, found),
      revoke ?? [],
    ),
    revokedKeys: [...revokedKeys.filter((each) => each !== key), key].slice(-mostRetired),
  };
}

/** Adds a thumbprint. If the list is full, the oldest thumbprint leaves that neither the device nor the hub is known to use; otherwise the oldest. */
function newest(list: readonly string[] = [], thumbprint: string, found: Found | null): string[] {
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

/** The lists in the form of a record: without empty lists. */
export function retirementOf({ retire, revoke, revokedKeys }: Lists): Retirement {
  return {
    ...(retire?.length && { retire }),
    ...(revoke?.length && { revoke }),
    ...(revokedKeys?.length && { revokedKeys }),
  };
}

type Lists = { [Name in keyof Retirement]?: readonly string[] | undefined };
