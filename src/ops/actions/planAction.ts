import { randomUUIDv7 } from 'node:crypto';
import { z } from 'zod';
import type { Action, ActionKind } from '../Action.js';
import { actionKinds } from '../Action.js';
import { countBy } from '../countBy.js';
import { letterFilter, parse } from '../Filter.js';
import type { LetterStatus } from '../Letter.js';
import { matchLetter } from '../letters/matchLetter.js';
import type { Entered } from '../letters/openLetterBook.js';
import type { OpsTools } from '../OpsTools.js';
import { Refused } from '../Refused.js';
import type { Item, StoredAction } from './StoredAction.js';
import { viewAction } from './viewAction.js';

export const actionRequest = z.strictObject({
  kind: z.enum(actionKinds),
  filter: letterFilter.default({}).describe('which dead letters; all of what is named must hold'),
  rate: z.number().positive().max(1e6).optional().describe("asked for in a minute; default: the hub's limit"),
  reason: z.string().min(1).max(500).optional().describe('required to discard'),
  by: z.string().min(1).max(100).optional().describe('who plans it, for the audit'),
});

export type ActionRequest = z.input<typeof actionRequest>;

const replayable: LetterStatus[] = ['failed', 'cancelled', 'no-record'];
const taken: Record<ActionKind, LetterStatus[]> = {
  replay: replayable,
  discard: ['failed', 'quarantined', 'cancelled', 'no-record', 'unreadable'],
};

/**
 * Fixes the set of a bulk action: what fails later is not in it. Nothing is done yet, see `startAction`.
 *
 * @throws Refused; ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function planAction(tools: OpsTools, request: ActionRequest): Promise<Action> {
  const { kind, filter, rate, reason, by } = parse(actionRequest, request);
  if (kind === 'discard' && !reason)
    throw new Refused('ops.no-reason', 'To discard needs a reason: it is kept with the audit.');
  const matches = matchLetter(filter, tools.clock.now());
  const { letters } = await tools.letterBook.read(0);
  const found = letters.filter(matches);
  const byName = filter.uuid !== undefined || filter.sequenceNumber !== undefined;
  const wanted = byName ? [...taken[kind], 'quarantined'] : taken[kind];
  const set = found
    .filter(({ status }) => wanted.includes(status))
    .sort((a, b) => (a.failedAt < b.failedAt ? -1 : 1));
  const action: StoredAction = {
    id: randomUUIDv7(),
    kind,
    state: 'planned',
    by: by ?? 'someone with the ops key',
    filter: Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)),
    reason: reason ?? null,
    plannedAt: tools.clock.now(),
    startedAt: null,
    startedBy: null,
    cancelledBy: null,
    endedAt: null,
    ratePerMinute: rate ?? null,
    ramp: false,
    limit: null,
    planned: set.length,
    quarantined: kind === 'replay' && !byName ? count(found, 'quarantined') : 0,
    byCode: countBy(set, ({ code }) => code),
    byFleet: countBy(set, ({ fleet }) => fleet ?? 'unknown'),
    note: noteOn(kind, found),
    next: 0,
    superseded: 0,
    wave: { from: 0, to: 0, startsAt: 0, failedBefore: 0 },
    counts: null,
    nudge: { n: 0, due: 0 },
  };
  await tools.actions.create(action, set.map(itemOf));
  return viewAction(tools, action);
}

function itemOf({ status, uuid, requestId, n, sequenceNumber, operation, service }: Entered): Item {
  const item: Item = { uuid, requestId, n, sequenceNumber };
  if (status === 'no-record')
    item.asked = { operation: operation === 'deprovision' ? 'deprovision' : 'provision', service };
  return item;
}

function noteOn(kind: ActionKind, found: readonly Entered[]): string | null {
  const unreadable = count(found, 'unreadable');
  if (kind === 'discard' || unreadable === 0) return null;
  return `${unreadable} dead letters cannot be read by this version, and so cannot be replayed: they are left out.`;
}

function count(letters: readonly Entered[], status: LetterStatus): number {
  return letters.filter((letter) => letter.status === status).length;
}
