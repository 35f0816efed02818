import type { DeviceRecord } from '../device/record.js';
import type { Records } from '../device/repository.js';
import { isCheckNext, onlyLooks, pendingWork } from '../device/state.js';
import { ProvisioningError } from '../shared/errors.js';
import type { Clock, EpochMs } from '../shared/time.js';
import type { BalenaLimit } from '../throttling/balenaLimit.js';
import { deservesBetter } from '../throttling/line.js';
import type { Reservation } from '../throttling/rateLimiter.js';
import type { WorkerDependencies } from './dependencies.js';
import { claimOf } from './reserve.js';

/** Whether the look-up of a device may begin, and its reservation. */
export interface LookUp {
  /** `now`: the work may begin. `later`: the work has to wait until `due`. */
  kind: 'now' | 'later';
  due: EpochMs;
  /** Null if the work begins without a look-up, or if nothing is reserved yet. */
  lookUp: Reservation | null;
}

/** A check begins only if a look-up is free within this time. Otherwise the check waits, so that requests come first. */
const checkHorizonMs = 60_000;
const checkAgainMs = 300_000;

/** No device that was never seen is accepted while the look-up of a new device is later than this: 180,000 devices at 50 requests a second. */
const longestLineMs = 3_600_000;
const lineIsLongMs = 60_000;

/**
 * Refuses the request of a caller for a device without a record, while too many devices without a known fleet wait for their look-up. Anybody
 * with the fleet's key can invent UUIDs faster than balena answers. Without this bound, their messages would fill the queue, and their
 * records the tables.
 *
 * @throws ProvisioningError `balena-throttled`: the caller may repeat the request; `records-unavailable`
 */
export async function refuseIfLineIsFull(
  {
    balenaLimit,
    records,
    clock,
  }: { balenaLimit: Pick<BalenaLimit, 'nextFree'>; records: Records; clock: Clock },
  uuid: string,
): Promise<void> {
  const waitMs = (await balenaLimit.nextFree()) - clock.now();
  if (waitMs <= longestLineMs || (await records.read(uuid))) return;
  throw new ProvisioningError('balena-throttled', 'Too many new devices wait for their look-up in balena.', {
    retryAfterMs: lineIsLongMs,
  });
}

/**
 * Reserves the look-up with which a run begins, in balena's limit. A near look-up is waited for. A deprovisioning begins at the hub, and never
 * waits here: its requests to balena are counted, and come last.
 *
 * The place in the line may be from a request that anybody can make, or from the time before a revocation. Work that deserves a better lane takes a
 * new place.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function reserveLookUp(
  { balenaLimit, clock, random }: Pick<WorkerDependencies, 'balenaLimit' | 'clock' | 'random'>,
  record: DeviceRecord,
): Promise<LookUp> {
  const now = clock.now();
  if (!record.desired.present && !onlyLooks(record)) return { kind: 'now', due: now, lookUp: null };
  const reserved = pendingWork(record)?.lookUp;
  const claim = claimOf(record);
  const canWait = reserved === undefined && isCheckNext(record) && !claim.isUrgent;
  if (canWait && (await balenaLimit.nextFree(claim)) - now > checkHorizonMs)
    return { kind: 'later', due: now + Math.round(checkAgainMs * (1 + random())), lookUp: null };
  let lookUp = reserved ?? (await balenaLimit.reserve(claim));
  let due = await balenaLimit.waitFor(lookUp);
  if (due !== null && deservesBetter(claim, lookUp)) {
    lookUp = await balenaLimit.reserve(claim);
    due = await balenaLimit.waitFor(lookUp);
  }
  return { kind: due === null ? 'now' : 'later', due: due ?? clock.now(), lookUp };
}
