import type { WakeUpMessage } from '../../queue/messages.js';
import { forEachConcurrently } from '../../shared/async.js';
import type { OpsDependencies } from '../dependencies.js';
import { hasFinished, type Item, type StoredAction, sizeOf, type Wave } from './action.js';
import { cancelItem, cancelRotation } from './items/cancel.js';
import { discardItem } from './items/discard.js';
import { replayItem } from './items/replay.js';
import { rotateItem } from './items/rotate.js';
import { countOutcomes } from './read.js';
import type { ActionCounts, ActionKind } from './schema.js';
import { wakeUp } from './wakeUp.js';

const perform: Record<
  ActionKind,
  (deps: OpsDependencies, action: StoredAction, item: Item, due: number) => Promise<boolean>
> = {
  replay: replayItem,
  discard: discardItem,
  rotate: rotateItem,
};
const takeBack = { replay: cancelItem, discard: cancelItem, rotate: cancelRotation };

const asksAtATime = 16;
/** Between two writings of the action: what is repeated if the process dies. */
const asksInAPart = 100;
/** Well within the lock of its message. */
const longestTurnMs = 20_000;
/** Between two looks at what has become of a wave; longer where looking takes long. */
const lookAgainMs = 2_000;
const lookAgainLongestMs = 60_000;

/** Thrown at once, the deliveries of its message would be spent within moments. */
const beforeThrowingMs = 5_000;

/**
 * Goes on with an action, for a worker that got its message, and has the next message sent. Everything in it may happen twice.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`, after a pause: the message is to come again
 */
export async function advanceAction(deps: OpsDependencies, message: WakeUpMessage): Promise<void> {
  try {
    await advance(deps, message);
  } catch (error) {
    await deps.clock.sleep(beforeThrowingMs);
    throw error;
  }
}

async function advance(deps: OpsDependencies, { action: id, generation }: WakeUpMessage): Promise<void> {
  const { actions, clock } = deps;
  const found = await actions.read(id);
  if (!found) return;
  if (hasFinished(found.value) || found.value.wakeUp.generation !== generation) {
    // Who had this message before may have been killed in the midst of a part, after who cancelled had looked.
    if (isCancelled(found.value)) await cancelEach(deps, found.value);
    return;
  }
  const until = clock.now() + longestTurnMs;
  let action: StoredAction | null = found.value;
  let wait = 0;
  while (action && !hasFinished(action) && wait === 0 && clock.now() < until) {
    if (action.state === 'cancelling') await cancelAll(deps, action);
    else if (action.next < action.wave.to) await askForPart(deps, action);
    else wait = await lookAtWave(deps, action);
    action = (await actions.read(id))?.value ?? null;
  }
  if (action && !hasFinished(action)) await wakeUp(deps, id, clock.now() + wait);
}

/**
 * Asks for the next part of the wave, each for its turn, and writes down how far it came: not at all if one of them failed.
 *
 * @throws the first failure, once nothing of the part goes on any more
 */
async function askForPart(deps: OpsDependencies, action: StoredAction): Promise<void> {
  const { next, wave } = action;
  const to = Math.min(next + asksInAPart, wave.to);
  const interval = 60_000 / (action.ratePerMinute ?? deps.operationsPerMinute);
  const items = await deps.actions.items(action.id, next, to);
  let superseded = 0;
  const asking = forEachConcurrently(items, asksAtATime, async (item, at) => {
    const due = Math.round(wave.startsAt + (next + at - wave.from) * interval);
    if (!(await perform[action.kind](deps, action, item, due))) superseded += 1;
  });
  const [{ status }] = await Promise.allSettled([asking]);
  let now = action;
  await deps.actions.amend(action.id, (stored) => {
    now = stored;
    // Another worker was at the same part, and has written it down.
    if (status === 'rejected' || stored.next !== next || isCancelled(stored)) return null;
    return { ...stored, next: to, superseded: stored.superseded + superseded };
  });
  // Cancelled while this part was being asked for: who cancelled may not have seen it.
  if (isCancelled(now)) await cancelEach(deps, now);
  await asking;
}

/** @returns ms until it is worth to look again; 0 if there is something to do at once */
async function lookAtWave(deps: OpsDependencies, action: StoredAction): Promise<number> {
  const { clock, records, actions } = deps;
  const begun = clock.now();
  const counts = await countOutcomes(records, action);
  const now = clock.now();
  if (counts.underWay > 0) return Math.min(Math.max(lookAgainMs, 10 * (now - begun)), lookAgainLongestMs);
  await actions.amend(action.id, (stored) => {
    if (stored.state !== 'running' || stored.wave.from !== action.wave.from || stored.next !== action.next)
      return null;
    if (stored.next < sizeOf(stored)) {
      const { wave, halted } = nextWave(stored, counts, now);
      if (wave) return { ...stored, wave };
      return { ...stored, state: 'halted', endedAt: now, counts, note: halted };
    }
    return { ...stored, state: 'done', endedAt: now, counts };
  });
  return 0;
}

async function cancelAll(deps: OpsDependencies, action: StoredAction): Promise<void> {
  await cancelEach(deps, action);
  const counts = await countOutcomes(deps.records, action);
  const now = deps.clock.now();
  await deps.actions.amend(action.id, (stored) =>
    stored.state === 'cancelling' ? { ...stored, state: 'cancelled', endedAt: now, counts } : null,
  );
}

async function cancelEach(deps: OpsDependencies, action: StoredAction): Promise<void> {
  const live: string[] = [];
  for await (const { uuid, job } of deps.records.summaries({ action: action.id }))
    if (job && job.deadAt === null && job.kind === 'change') live.push(uuid);
  await forEachConcurrently(live, asksAtATime, (uuid) => takeBack[action.kind](deps, action, uuid));
}

function isCancelled({ state }: StoredAction): boolean {
  return state === 'cancelling' || state === 'cancelled';
}

/** Of a wave, more than this part failing again says that the cause is still there. */
const mostFailing = 0.1;

/**
 * What follows on a wave of a ramp that has come to its end: one twice as large, or the halt.
 *
 * @param counts of the whole action, at the end of the wave
 * @param now Unix ms
 */
export function nextWave(
  action: StoredAction,
  counts: ActionCounts,
  now: number,
): { wave: Wave; halted: null } | { wave: null; halted: string } {
  const { from, to, failedBefore } = action.wave;
  const size = to - from;
  const failed = counts.failed - failedBefore;
  if (failed > size * mostFailing) {
    const left = sizeOf(action) - to;
    return {
      wave: null,
      halted: `Halted: ${failed} of the last ${size} failed again. ${left} were not asked for. Look why, mend it, and plan anew.`,
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
