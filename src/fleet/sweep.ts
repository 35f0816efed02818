import type { Summary } from '../device/summary.js';
import { type AcceptDependencies, acceptNew } from '../provisioning/accept.js';
import { requestCheck } from '../provisioning/check.js';
import { forEachConcurrently } from '../shared/async.js';
import { retryWithBackoff } from '../shared/retry.js';
import type { EpochMs } from '../shared/time.js';
import type { Position } from '../storage/timerRows.js';
import { type ListingDependencies, listDevices } from './list.js';
import { type GuardedFleet, type GuardOptions, massDeletionGuard } from './massDeletionGuard.js';
import { mergeJoin } from './mergeJoin.js';
import {
  type CheckReason,
  checkReasons,
  groupOf,
  type SweepItem,
  type SweepRules,
  sweepItem,
} from './sweepRules.js';

export type SweepDependencies = AcceptDependencies & ListingDependencies;

/** The options of a sweep. */
export interface SweepOptions extends Pick<SweepRules, 'fleets' | 'service'> {
  /** See `SweepRules`; default: the fleets to sweep. */
  served?: readonly string[] | null;
  /** See `SweepRules`; default: unknown. */
  hubHost?: string | null;
  /** The hub's limit of registry operations a minute. The checks of devices of another hub are spread over this rate; default: 100. */
  operationsPerMinute?: number;
  /** See `SweepRules`; default: ten minutes. */
  settleMs?: number;
  /** Disables the mass deletion guard, for fleets that were emptied, deleted or taken out of FLEETS on purpose. Default: false. */
  allowGone?: boolean;
  /** Ends the sweep cleanly: started calls finish, and the report has the work done so far. */
  signal?: AbortSignal;
  onProgress?(progress: SweepProgress): void;
}

/** The numbers so far. */
export interface SweepProgress {
  /** Number of listed devices. */
  devices: number;
  /** Number of listed records. */
  records: number;
  /** Number of requested devices; in a plan: of devices to request. */
  requested: number;
  /** Number of checked devices by reason; in a plan: of devices to check. */
  checked: Record<CheckReason, number>;
  /** Fleets with too many apparently missing devices, left alone by the sweep. Empty before the end. */
  guarded: GuardedFleet[];
  /** Fleets that the key does not see. Only the devices of the other fleets are judged. */
  invisible: string[];
}

/** The result of a sweep. */
export interface SweepReport extends SweepProgress {
  /** False if the signal ended the sweep early. */
  finished: boolean;
}

const minutes = 60_000;
/** After this number of rows, the sweep performs the items and stores the position. */
const rowsAtATime = 500;
const callsAtATime = 20;

/**
 * Lists the items of a sweep, and performs none.
 *
 * @throws ProvisioningError `balena-…`, `records-unavailable`
 */
export async function* planSweep(deps: SweepDependencies, options: SweepOptions): AsyncGenerator<SweepItem> {
  const progress = emptyProgress();
  const guard = massDeletionGuard(rulesOf(options));
  for await (const { item } of joinDevices(deps, options, '', progress, guard)) {
    if (item) {
      count(progress, item);
      yield item;
    }
    if ((progress.devices + progress.records) % rowsAtATime === 0) options.onProgress?.(progress);
  }
  const { items, guarded } = guard.release(guardOptions(options, progress));
  progress.guarded = guarded;
  for (const item of items) {
    count(progress, item);
    yield item;
  }
  options.onProgress?.(progress);
}

/**
 * Compares balena's devices with the records. The sweep requests devices without credentials and without a record.
 * The sweep requests checks of devices that are missing in balena, of devices with other credentials than the record, and of devices whose
 * request failed for good: a check does what the request desired, if the cause of the failure is gone. Repeated and concurrent sweeps are
 * harmless, and the workers keep to the rate limiter. If too many devices of a fleet are missing in balena, the sweep leaves these devices
 * alone, and reports the fleet in `guarded`.
 *
 * @param position stores the progress; the next run continues there. Without a position, the sweep starts at the first device
 * @throws ProvisioningError `balena-…`, `records-unavailable`, `queue-unavailable`: the next run continues after the last stored position
 */
export async function sweep(
  deps: SweepDependencies,
  options: SweepOptions,
  position?: Position,
): Promise<SweepReport> {
  const progress = emptyProgress();
  const { signal } = options;
  const after = (await position?.read()) ?? '';
  const guard = massDeletionGuard(rulesOf(options));
  let items: SweepItem[] = [];
  const { operationsPerMinute = 100 } = options;
  let rows = 0;
  let spreadMs = 0;
  const performAll = (all: readonly SweepItem[]) =>
    forEachConcurrently(all, callsAtATime, async (item) => {
      const isOther = item.act === 'check' && item.why === 'other-hub';
      // The move of a whole fleet to another hub must not flood the queue with checks that all wait for the rate limiter.
      if (isOther) spreadMs += 60_000 / operationsPerMinute;
      if (await perform(deps, item, isOther ? deps.clock.now() + spreadMs : undefined)) count(progress, item);
    });
  const performPart = async (upTo: string) => {
    await performAll(items);
    items = [];
    await position?.write(upTo);
    options.onProgress?.(progress);
  };
  let finished = true;
  try {
    for await (const { uuid, item } of joinDevices(deps, options, after, progress, guard)) {
      if (item) items.push(item);
      rows += 1;
      if (rows % rowsAtATime === 0) {
        await performPart(uuid);
        signal?.throwIfAborted();
      }
    }
    await performPart('');
  } catch (error) {
    if (!signal?.aborted) throw error;
    finished = false;
  }
  // The kept items are performed even after an abort: the next run starts after these devices.
  const released = guard.release(guardOptions(options, progress));
  progress.guarded = released.guarded;
  await performAll(released.items);
  options.onProgress?.(progress);
  return { ...progress, finished };
}

/** Joins devices and records, and decides the item of each. The guard keeps the items of apparently deleted devices. */
async function* joinDevices(
  deps: SweepDependencies,
  options: SweepOptions,
  after: string,
  progress: SweepProgress,
  guard: ReturnType<typeof massDeletionGuard>,
): AsyncGenerator<{ uuid: string; item: SweepItem | null }> {
  const rules = rulesOf(options);
  const { fleets, signal } = options;
  const onInvisible = (fleet: string) => {
    progress.invisible.push(fleet);
  };
  // An operator has confirmed that the fleet was deleted, so the two lists cannot differ for long. The worker looks up the truth.
  const isInvisible = (record: Summary) => progress.invisible.includes(groupOf(record) ?? '');
  const joined = mergeJoin(
    listDevices(deps, { fleets, after, signal, onInvisible }),
    deps.records.summaries(after === '' ? {} : { after }),
  );
  for await (const each of joined) {
    if (each.device) progress.devices += 1;
    if (each.record) progress.records += 1;
    const isDeleted = each.record !== null && options.allowGone && isInvisible(each.record);
    const item = sweepItem(each, isDeleted ? { ...rules, settleMs: 0 } : rules, deps.clock.now());
    yield { uuid: each.uuid, item: guard.keepIfGone(each, item) };
  }
}

/** @returns false if another caller has requested the device in the meantime */
async function perform(deps: SweepDependencies, item: SweepItem, due?: EpochMs): Promise<boolean> {
  if (item.act === 'request')
    return (await retryWithBackoff(deps.clock, () => acceptNew(deps, item.uuid, item.service))) !== null;
  await retryWithBackoff(deps.clock, () => requestCheck(deps, item.uuid, { notice: item.notice, due }));
  return true;
}

function rulesOf(options: SweepOptions): SweepRules {
  const { fleets, served = fleets, service, settleMs = 10 * minutes, hubHost = null } = options;
  return { fleets, served, service, settleMs, hubHost };
}

function guardOptions({ allowGone = false }: SweepOptions, { invisible }: SweepProgress): GuardOptions {
  return { allowGone, invisible: new Set(invisible) };
}

function emptyProgress(): SweepProgress {
  const checked = Object.fromEntries(checkReasons.map((reason) => [reason, 0])) as Record<
    CheckReason,
    number
  >;
  return { devices: 0, records: 0, requested: 0, checked, guarded: [], invisible: [] };
}

function count(progress: SweepProgress, item: SweepItem): void {
  if (item.act !== 'check') progress.requested += 1;
  else progress.checked[item.why] += 1;
}
