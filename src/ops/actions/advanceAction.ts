import pLimit from 'p-limit';
import type { ActionMessage } from '../../message/ActionMessage.js';
import type { ActionKind } from '../Action.js';
import type { OpsTools } from '../OpsTools.js';
import { cancelItem } from './cancelItem.js';
import { cancelRotation } from './cancelRotation.js';
import { countOutcomes } from './countOutcomes.js';
import { discardItem } from './discardItem.js';
import { nextWave } from './nextWave.js';
import { nudge } from './nudge.js';
import { replayItem } from './replayItem.js';
import { rotateItem } from './rotateItem.js';
import { ended, type Item, type StoredAction, sizeOf } from './StoredAction.js';

const perform: Record<
  ActionKind,
  (tools: OpsTools, action: StoredAction, item: Item, due: number) => Promise<boolean>
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
export async function advanceAction(tools: OpsTools, message: ActionMessage): Promise<void> {
  try {
    await advance(tools, message);
  } catch (error) {
    await tools.clock.sleep(beforeThrowingMs);
    throw error;
  }
}

async function advance(tools: OpsTools, { action: id, n }: ActionMessage): Promise<void> {
  const { actions, clock } = tools;
  const found = await actions.read(id);
  if (!found || ended(found.value) || found.value.nudge.n !== n) return;
  const until = clock.now() + longestTurnMs;
  let action: StoredAction | null = found.value;
  let wait = 0;
  while (action && !ended(action) && wait === 0 && clock.now() < until) {
    if (action.state === 'cancelling') await cancelAll(tools, action);
    else if (action.next < action.wave.to) await askForPart(tools, action);
    else wait = await lookAtWave(tools, action);
    action = (await actions.read(id))?.value ?? null;
  }
  if (action && !ended(action)) await nudge(tools, id, clock.now() + wait);
}

/** Asks for the next part of the wave, each for its turn, and writes down how far it came. */
async function askForPart(tools: OpsTools, action: StoredAction): Promise<void> {
  const { next, wave } = action;
  const to = Math.min(next + asksInAPart, wave.to);
  const interval = 60_000 / (action.ratePerMinute ?? tools.operationsPerMinute);
  const items = await tools.actions.items(action.id, next, to);
  const asked = await pLimit(asksAtATime).map(items, (item, at) =>
    perform[action.kind](tools, action, item, Math.round(wave.startsAt + (next + at - wave.from) * interval)),
  );
  const superseded = asked.filter((was) => !was).length;
  let isCancelled = false;
  await tools.actions.amend(action.id, (now) => {
    isCancelled = now.state === 'cancelling' || now.state === 'cancelled';
    // Another worker was at the same part, and has written it down.
    if (now.next !== next || isCancelled) return null;
    return { ...now, next: to, superseded: now.superseded + superseded };
  });
  // Cancelled while this part was being asked for: who cancelled may not have seen it.
  if (isCancelled) await cancelEach(tools, action);
}

/** @returns ms until it is worth to look again; 0 if there is something to do at once */
async function lookAtWave(tools: OpsTools, action: StoredAction): Promise<number> {
  const { clock, records, actions } = tools;
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

async function cancelAll(tools: OpsTools, action: StoredAction): Promise<void> {
  await cancelEach(tools, action);
  const counts = await countOutcomes(tools.records, action);
  const now = tools.clock.now();
  await tools.actions.amend(action.id, (stored) =>
    stored.state === 'cancelling' ? { ...stored, state: 'cancelled', endedAt: now, counts } : null,
  );
}

async function cancelEach(tools: OpsTools, action: StoredAction): Promise<void> {
  const live: string[] = [];
  for await (const { uuid, ticket } of tools.records.summaries({ action: action.id }))
    if (ticket && ticket.deadAt === null && ticket.kind === 'change') live.push(uuid);
  await pLimit(asksAtATime).map(live, (uuid) => takeBack[action.kind](tools, action, uuid));
}
