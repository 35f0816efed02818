import type { DeviceRecord } from '../device/record.js';
import { fallbacksOf } from '../device/refusal.js';
import {
  acceptsRevoked,
  goesFirst,
  hubAccepts,
  isCheckNext,
  isHandedOver,
  isOfOtherHub,
  isToRetire,
  pendingWork,
  usesOwnKey,
} from '../device/state.js';
import type { EpochMs } from '../shared/time.js';
import type { Claim, Reservation } from '../throttling/rateLimiter.js';
import type { WorkerDependencies } from './dependencies.js';

/** Whether the work may begin, and with which reservation. */
export interface ReserveResult {
  /** `now`: the work may begin. `later`: the work has to wait until `due`. */
  kind: 'now' | 'later';
  due: EpochMs;
  /** Null if no earlier run of the work has reserved an operation. */
  reservation: Reservation | null;
  /** The run is a check that also asks the hub, as checks do from time to time. */
  verifiesHub?: true;
}

/** A check that needs an operation begins only if one is free within this time. Otherwise the check waits, so that requests come first. */
const checkHorizonMs = 60_000;
const checkAgainMs = 300_000;
/**
 * A check of a device also asks the hub once a day, if a registry operation is free at once: somebody may have deleted the identity. Such a
 * device repeats its request, and repeated requests lead to a check. One operation a device and day is at most 70 % of the rate of one S1
 * unit for 100,000 devices that all request daily, and takes only free operations.
 */
const verifyHubAfterMs = 24 * 3_600_000;
const freeAtOnceMs = 1_000;

/**
 * Decides before a run whether the work may begin. The first run of a request begins without a reservation: the run reserves its registry
 * operation when the run needs the operation, after balena has shown the device. So a wrong request never holds a reservation. The next run
 * waits for the reservation of the first.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function reserve(
  {
    rateLimiter,
    clock,
    settings,
    random,
  }: Pick<WorkerDependencies, 'rateLimiter' | 'clock' | 'random'> & {
    settings: Pick<WorkerDependencies['settings'], 'renewAt' | 'hubHost'>;
  },
  record: DeviceRecord,
): Promise<ReserveResult> {
  const now = clock.now();
  const reservation = pendingWork(record)?.reservation ?? null;
  if (reservation !== null) {
    const due = await rateLimiter.waitFor(reservation);
    return due === null
      ? { kind: 'now', due: clock.now(), reservation }
      : { kind: 'later', due, reservation };
  }
  const begins: ReserveResult = { kind: 'now', due: now, reservation };
  if (!isCheckNext(record) || goesFirst(record)) return begins;
  const freeInMs = (await rateLimiter.nextFree(claimOf(record))) - now;
  if (!expectsHubOperation(record, now, settings))
    return isHubVerificationDue(record, now) && freeInMs <= freeAtOnceMs
      ? { ...begins, verifiesHub: true }
      : begins;
  if (freeInMs <= checkHorizonMs) return begins;
  return { ...begins, kind: 'later', due: now + Math.round(checkAgainMs * (1 + random())) };
}

/**
 * The claim of a device's next work. A device that has proved its identity, or that balena or the sweep has announced, exists. Any other
 * device without a known fleet may be invented.
 *
 * @param fleet the fleet as far as known; default: the recorded fleet
 */
export function claimOf(
  record: Pick<DeviceRecord, 'job' | 'check' | 'desired' | 'observed' | 'fallback'>,
  fleet = record.observed.fleet,
): Claim {
  // The device stays known when somebody else requests another service for the device.
  const isKnown = [record, ...fallbacksOf(record)].some(({ desired }) => desired.announced || desired.proved);
  return { fleet, isKnown, isUrgent: goesFirst(record) };
}

/**
 * Estimates from the record whether a check needs a registry operation of the hub.
 *
 * @param settings `renewAt`: the fraction of a certificate's lifetime after which the certificate is renewed; `hubHost`: our hub
 */
export function expectsHubOperation(
  record: DeviceRecord,
  now: EpochMs,
  { renewAt, hubHost = null }: Pick<WorkerDependencies['settings'], 'renewAt' | 'hubHost'>,
): boolean {
  const { desired, observed } = record;
  const { thumbprint, hub, notBefore, notAfter } = observed;
  const isVerified = pendingWork(record)?.forceVerify === true;
  // balena most likely refuses the next write as well, and the run ends before the hub is called.
  if (observed.writeRefused && desired.present && !isVerified) return false;
  if (!desired.present && record.retries > 0 && hub === 'none') return false;
  if (desired.own && !isVerified && !isOfOtherHub(observed, hubHost))
    return !usesOwnKey(record) || (observed.issued !== undefined && isHandedOver(record, now));
  if (!desired.present || isVerified || thumbprint === null || !hubAccepts(hub, thumbprint)) return true;
  if (isOfOtherHub(observed, hubHost) || isToRetire(desired, thumbprint) || acceptsRevoked(desired, hub))
    return true;
  return notBefore !== null && notAfter !== null && now >= notBefore + (notAfter - notBefore) * renewAt;
}

/** Whether the next work is a check, and the hub has not answered a call for this device for a day. */
function isHubVerificationDue(record: DeviceRecord, now: EpochMs): boolean {
  return isCheckNext(record) && now - (record.observed.hubSeenAt ?? 0) > verifyHubAfterMs;
}
