import { type AcceptDependencies, acceptNew } from '../provisioning/accept.js';
import { check } from '../provisioning/check.js';
import { forEachConcurrently } from '../shared/async.js';
import { retryWithBackoff } from '../shared/retry.js';
import type { Position } from '../storage/timerRows.js';
import { type ListingDependencies, listDevices } from './list.js';
import { type GuardedFleet, massDeletionGuard } from './massDeletionGuard.js';
import { mergeJoin } from './mergeJoin.js';
import { type CheckReason, checkReasons, type SweepItem, type SweepRules, sweepItem } from './sweepRules.js';

export type SweepDependencies = AcceptDependencies & ListingDependencies;

export interface SweepOptions extends Pick<SweepRules, 'fleets' | 'service'> {
  /** See `SweepRules`; default: ten minutes. */
  settleMs?: number;
  /** Believe that devices are gone, however many of a fleet: it was emptied on purpose. Default: see `HeldFleet`. */
  allowGone?: boolean;
  /** Ends the sweep, cleanly: what it has begun is finished, and what it has done is reported. */
  signal?: AbortSignal;
  onProgress?(progress: SweepProgress): void;
}

export interface SweepProgress {
  /** Devices and records that were looked at. */
  devices: number;
  records: number;
  /** Devices that were asked for; in a plan: that would be. */
  requested: number;
  checked: Record<CheckReason, number>;
  /** Fleets of which too many records look gone: no worker looks at those. Known at the end only. */
  held: GuardedFleet[];
}

export interface SweepReport extends SweepProgress {
  /** False if it was ended before it was through. */
  finished: boolean;
}

const minutes = 60_000;
/** So much is looked at, then done, then remembered. */
const rowsAtATime = 500;
const callsAtATime = 20;

/**
 * What a sweep would do, one device after the other; it does nothing.
 *
 * @throws ProvisioningError `balena-…`, `records-unavailable`
 */
export async function* planSweep(deps: SweepDependencies, options: SweepOptions): AsyncGenerator<SweepItem> {
  const progress = emptyProgress();
  const gone = massDeletionGuard(options);
  for await (const { item } of joinDevices(deps, options, '', progress, gone)) {
    if (item) {
      count(progress, item);
      yield item;
    }
    if ((progress.devices + progress.records) % rowsAtATime === 0) options.onProgress?.(progress);
  }
  const { items, held } = gone.end(options.allowGone);
  progress.held = held;
  for (const item of items) {
    count(progress, item);
    yield item;
  }
  options.onProgress?.(progress);
}

/**
 * Finds what was never asked for, or got lost, and has the queue mend it: asks for devices without credentials that have no record,
 * and has workers look at records whose device is gone from balena, or does not hold what the record says. It decides nothing else,
 * so that running it twice, or two at a time, does no harm; the pace is kept by the workers. Where too many of a fleet look gone, it has
 * nobody look at those, and says so (`held`).
 *
 * @param position where the last run ended, and where this one ends; without it, the whole is swept
 * @throws ProvisioningError `balena-…`, `records-unavailable`, `queue-unavailable`: what was done is done, and the next run goes on
 */
export async function sweep(
  deps: SweepDependencies,
  options: SweepOptions,
  position?: Position,
): Promise<SweepReport> {
  const progress = emptyProgress();
  const { signal } = options;
  const after = (await position?.read()) ?? '';
  const gone = massDeletionGuard(options);
  let items: SweepItem[] = [];
  let rows = 0;
  const doAll = (all: readonly SweepItem[]) =>
    forEachConcurrently(all, callsAtATime, async (item) => {
      if (await act(deps, item)) count(progress, item);
    });
  const work = async (upTo: string) => {
    await doAll(items);
    items = [];
    await position?.write(upTo);
    options.onProgress?.(progress);
  };
  let finished = true;
  try {
    for await (const { uuid, item } of joinDevices(deps, options, after, progress, gone)) {
      if (item) items.push(item);
      rows += 1;
      if (rows % rowsAtATime === 0) {
        await work(uuid);
        signal?.throwIfAborted();
      }
    }
    await work('');
  } catch (error) {
    if (!signal?.aborted) throw error;
    finished = false;
  }
  // Also where it was ended: the next run goes on behind these.
  const end = gone.end(options.allowGone);
  progress.held = end.held;
  await doAll(end.items);
  options.onProgress?.(progress);
  return { ...progress, finished };
}

/** Each device and record, with what there is to do about it, but for what looks gone. */
async function* joinDevices(
  deps: SweepDependencies,
  { fleets, service, settleMs = 10 * minutes, signal }: SweepOptions,
  after: string,
  progress: SweepProgress,
  gone: ReturnType<typeof massDeletionGuard>,
): AsyncGenerator<{ uuid: string; item: SweepItem | null }> {
  const rules = { fleets, service, settleMs };
  const sides = mergeJoin(
    listDevices(deps, { fleets, after, signal }),
    deps.records.summaries(after === '' ? {} : { after }),
  );
  for await (const side of sides) {
    if (side.device) progress.devices += 1;
    if (side.record) progress.records += 1;
    yield { uuid: side.uuid, item: gone.sort(side, sweepItem(side, rules, deps.clock.now())) };
  }
}

/** @returns whether there was anything left to do about it */
async function act(deps: SweepDependencies, item: SweepItem): Promise<boolean> {
  if (item.act === 'ask')
    return (await retryWithBackoff(deps.clock, () => acceptNew(deps, item.uuid, item.service))) !== null;
  await retryWithBackoff(deps.clock, () => check(deps, item.uuid));
  return true;
}

function emptyProgress(): SweepProgress {
  const checked = Object.fromEntries(checkReasons.map((reason) => [reason, 0])) as Record<
    CheckReason,
    number
  >;
  return { devices: 0, records: 0, requested: 0, checked, held: [] };
}

function count(progress: SweepProgress, item: SweepItem): void {
  if (item.act === 'ask') progress.requested += 1;
  else progress.checked[item.why] += 1;
}
