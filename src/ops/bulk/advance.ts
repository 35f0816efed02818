import type { WakeUpMessage } from '../../queue/messages.js';
import { forEachConcurrently } from '../../shared/async.js';
import type { EpochMs } from '../../shared/time.js';
import {
  hasFinished,
  type Item,
  isBulk,
  type StoredAction,
  type StoredBulkAction,
  sizeOf,
  type Wave,
} from './action.js';
import { cancelItem, cancelRotation } from './cancelItem.js';
import type { BulkDependencies } from './dependencies.js';
import { discardItem } from './discardItem.js';
import { isUnderWay, readOutcomes } from './read.js';
import { replayItem } from './replayItem.js';
import { itemsPerPart, requestedRecords } from './requestedRecords.js';
import { rotateItem } from './rotateItem.js';
import type { ActionCounts, BulkKind } from './schema.js';
import { scheduleWakeUp } from './wakeUp.js';

const perform: Record<
  BulkKind,
  (deps: BulkDependencies, action: StoredAction, item: Item, due: EpochMs) => Promise<boolean>
> = {
  replay: replayItem,
  discard: discardItem,
  rotate: rotateItem,
};
const cancelOne = { replay: cancelItem, discard: cancelItem, rotate: cancelRotation };

const itemsAtATime = 16;
/** Items of a wave that are looked at before all items: the last items of a wave are the last to be done. */
const lastItems = 16;
/** Much shorter than the lock of the wake-up message. */
const longestTurnMs = 20_000;
/** Pause between two evaluations of a wave. The pause is longer if counting the outcomes takes long. */
const waveCheckMs = 2_000;
const longestWaveCheckMs = 60_000;

/** Without a pause before the error, the queue would use up all deliveries of the wake-up message within moments. */
const pauseBeforeThrowMs = 5_000;

/**
 * Carries an action on for up to 20 seconds, and sends the next wake-up message. A worker calls this function for each wake-up message.
 * Every step may happen twice.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`, after a pause: the queue delivers the message again
 */
export async function advanceAction(deps: BulkDependencies, message: WakeUpMessage): Promise<void> {
  try {
    await advance(deps, message);
  } catch (error) {
    await deps.clock.sleep(pauseBeforeThrowMs);
    throw error;
  }
}

async function advance(deps: BulkDependencies, { action: id, generation }: WakeUpMessage): Promise<void> {
  const { actions, clock } = deps;
  const read = async () => {
    const value = (await actions.read(id))?.value;
    return value && isBulk(value) ? value : null;
  };
  let action = await read();
  if (!action) return;
  if (hasFinished(action) || action.wakeUp.generation !== generation) {
    // An earlier worker with this message may have died in the middle of a part. The part's requests may then be missing in the list of the
    // worker that cancelled the action.
    if (isCancelled(action)) await cancelRequests(deps, action);
    return;
  }
  const until = clock.now() + longestTurnMs;
  let wait = 0;
  while (action && !hasFinished(action) && wait === 0 && clock.now() < until) {
    if (action.state === 'cancelling') await finishCancelling(deps, action);
    else if (action.nextIndex < action.wave.to) await performPart(deps, action);
    else wait = await evaluateWave(deps, action);
    action = await read();
  }
  if (action && !hasFinished(action)) await scheduleWakeUp(deps, id, clock.now() + wait);
}

/**
 * Performs the next part of the wave, and stores the progress. Each item has its own due time. After a failure the progress is unchanged,
 * and the next worker repeats the part.
 *
 * @throws the first failure, after all items of the part have settled
 */
async function performPart(deps: BulkDependencies, action: StoredBulkAction): Promise<void> {
  const { nextIndex, wave } = action;
  const to = Math.min(nextIndex + itemsPerPart, wave.to);
  const interval = 60_000 / (action.ratePerMinute ?? deps.operationsPerMinute);
  const items = await deps.actions.items(action.id, nextIndex, to);
  let superseded = 0;
  const performing = forEachConcurrently(items, itemsAtATime, async (item, index) => {
    const due = Math.round(wave.startsAt + (nextIndex + index - wave.from) * interval);
    if (!(await perform[action.kind](deps, action, item, due))) superseded += 1;
  });
  const [{ status }] = await Promise.allSettled([performing]);
  let latest: StoredAction = action;
  await deps.actions.amend(action.id, (stored) => {
    latest = stored;
    // If `next` differs, another worker has performed the same part and stored the progress.
    if (status === 'rejected' || stored.nextIndex !== nextIndex || isCancelled(stored)) return null;
    return { ...stored, nextIndex: to, superseded: stored.superseded + superseded };
  });
  // If the action was cancelled during this part, the cancelling worker may have missed the new requests.
  if (isCancelled(latest)) await cancelRequests(deps, { ...latest, kind: action.kind });
  await performing;
}

/**
 * Checks whether the requests of the wave have finished, and then starts the next wave or finishes the action.
 *
 * @returns ms until the next evaluation; 0 to continue at once
 */
async function evaluateWave(deps: BulkDependencies, action: StoredAction): Promise<number> {
  const { clock, actions } = deps;
  const startedAt = clock.now();
  const last = await requestedRecords(deps, action, Math.max(0, action.nextIndex - lastItems));
  if (last.some((summary) => isUnderWay(summary, action.id))) return waveCheckMs;
  const { counts, failures } = await readOutcomes(deps, action);
  const now = clock.now();
  if (counts.underWay > 0) return Math.min(Math.max(waveCheckMs, 10 * (now - startedAt)), longestWaveCheckMs);
  await actions.amend(action.id, (stored) => {
    if (
      stored.state !== 'running' ||
      stored.wave.from !== action.wave.from ||
      stored.nextIndex !== action.nextIndex
    )
      return null;
    if (stored.nextIndex < sizeOf(stored)) {
      const { wave, halted } = nextWave(stored, counts, now);
      if (wave) return { ...stored, wave };
      return { ...stored, state: 'halted', endedAt: now, counts, failures, note: halted };
    }
    return { ...stored, state: 'done', endedAt: now, counts, failures };
  });
  return 0;
}

/** Cancels the pending requests, and finishes the action as cancelled. */
async function finishCancelling(deps: BulkDependencies, action: StoredBulkAction): Promise<void> {
  await cancelRequests(deps, action);
  const outcomes = await readOutcomes(deps, action);
  const now = deps.clock.now();
  await deps.actions.amend(action.id, (stored) =>
    stored.state === 'cancelling' ? { ...stored, state: 'cancelled', endedAt: now, ...outcomes } : null,
  );
}

/** Cancels the pending requests of an action. */
async function cancelRequests(deps: BulkDependencies, action: StoredBulkAction): Promise<void> {
  const requested = await requestedRecords(deps, action);
  const pending = requested.filter((summary) => isUnderWay(summary, action.id)).map(({ uuid }) => uuid);
  await forEachConcurrently(pending, itemsAtATime, (uuid) => cancelOne[action.kind](deps, action, uuid));
}

function isCancelled({ state }: StoredAction): boolean {
  return state === 'cancelling' || state === 'cancelled';
}

/** If more than this part of a wave fails again, the cause still exists. */
const maxFailingPart = 0.1;

/**
 * Decides what follows a finished wave of a ramp: a wave of twice the size, or a halt.
 *
 * @param counts the counts of the whole action at the end of the wave
 */
export function nextWave(
  action: StoredAction,
  counts: ActionCounts,
  now: EpochMs,
): { wave: Wave; halted: null } | { wave: null; halted: string } {
  const { from, to, failedBefore } = action.wave;
  const size = to - from;
  const failed = counts.failed - failedBefore;
  if (failed > size * maxFailingPart) {
    const left = sizeOf(action) - to;
    return {
      wave: null,
      halted: `Halted: ${failed} of the last ${size} failed again. ${left} were not requested. Find and fix the cause, then make a new plan.`,
    };
  }
  const wave = {
    from: to,
    to: Math.min(to + 2 * size, sizeOf(action)),
    startsAt: now,
    failedBefore: counts.failed,
  };
  return { wave, halted: null };
}
