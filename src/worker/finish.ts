import type { ProvisioningMessage } from '../message/ProvisioningMessage.js';
import type { ProvisioningError } from '../ProvisioningError.js';
import type { Slot } from '../pace/Pace.js';
import { again } from '../record/again.js';
import type { DeviceRecord } from '../record/DeviceRecord.js';
import { markDead, recordedError } from '../record/markDead.js';
import { operationOf } from '../record/operationOf.js';
import { tell } from '../record/tell.js';
import type { Counted, Status } from '../status.js';
import { measures } from '../telemetry/measures.js';
import { backOff } from './backOff.js';
import { describeEnding } from './describeEnding.js';
import { isCounted } from './isCounted.js';
import type { Run } from './Run.js';
import { releaseCircuits } from './releaseCircuits.js';
import { stepsOf } from './stepsOf.js';
import type { Tools } from './Tools.js';

/** How a run ended. */
export type Ending =
  | { kind: 'done' }
  | { kind: 'slot-is-far'; slot: Slot }
  | { kind: 'failed'; error: ProvisioningError };

/**
 * Writes down what a run found and did, and what is owed next (docs/protocol.md, Worker, 7).
 *
 * @returns the record as it was written; null if it is gone
 */
export async function finish(
  tools: Tools,
  message: ProvisioningMessage,
  run: Run,
  ending: Ending,
): Promise<DeviceRecord | null> {
  const { records, clock, pace, settings, random, circuits, status, retrySoon } = tools;
  if (run.slot !== null && ending.kind !== 'slot-is-far') pace.giveBack(run.slot);
  await releaseCircuits(tools, run.id, run.well);
  const counted = ending.kind === 'failed' && (await isCounted(tools, ending.error));
  // A call without an answer, or none made any more in time: what the hub holds is not known.
  if (ending.kind === 'failed' && (run.outcomeUnknown || ending.error.code === 'timed-out'))
    run.observed.hub = 'unknown';
  const due = ending.kind === 'slot-is-far' ? Math.round(await pace.due(ending.slot)) : 0;
  const chance = random();
  // That the other side is away says nothing about this device: its circuit decides when it comes again, and not its own back-off.
  // One that says when to come again is not away.
  const away =
    ending.kind === 'failed' && ending.error.retry === 'later' ? ending.error.dependency : undefined;
  const whenBack = away === undefined ? null : await circuits[away].whenAgain();

  let ended: Counted | 'deprovisioned' | null = null;

  const conclude = (record: DeviceRecord | null): DeviceRecord | null => {
    ended = null;
    if (!record) return null;
    const now = clock.now();
    if (record.lease?.by !== run.id) {
      // Someone took over: what this run did crossed with theirs. Whatever they found, it is to be looked at again.
      record.observed.hub = 'unknown';
      if (!record.ticket?.dead) again(record, now);
      return record;
    }
    const free = run.outcomeUnknown ? record.lease.until : now;
    record.lease = run.outcomeUnknown ? { ...record.lease, left: true } : null;
    record.observed = run.observed;
    record.places = record.places.filter((place) => !run.cleaned.has(place));
    const { ticket } = record;
    if (ticket?.n !== message.n || record.desired.requestId !== message.requestId) return record;

    const event = { at: now, what: 'ran' as const, steps: stepsOf(run, ending) };
    if (ending.kind === 'done') {
      if (ticket.kind === 'change') ended = record.desired.present ? 'provisioned' : 'deprovisioned';
      Object.assign(record, {
        ticket: null,
        attempts: 0,
        retries: 0,
        failures: 0,
        replays: 0,
        error: null,
        coolUntil: 0,
        completedAt: record.completedAt ?? now,
      });
      record.observed.verifiedAt = now;
    } else if (ticket.dead) {
      // Cancelled meanwhile: a run that is to come again does not open it.
    } else if (ending.kind === 'slot-is-far') {
      again(record, Math.max(due, free), { slot: ending.slot });
    } else {
      const { error } = ending;
      if (counted) record.attempts += 1;
      if (error.retry === 'never' || (counted && record.attempts >= settings.maxAttempts)) {
        markDead(record, error, now);
        if (record.ticket?.dead) ended = 'failed';
      } else {
        const ownBackOff = backOff(error, record.retries, chance, settings.longestBackOffMs);
        again(record, Math.max(whenBack ?? now + ownBackOff, free));
        if (whenBack === null) record.retries += 1;
        record.error = recordedError(error, now);
      }
    }
    tell(record, { ...event, note: describeEnding(record, ticket.kind, ending) });
    return record;
  };
  // Not written down, the device waits for the rest of the lease, and the run counts as one whose worker died.
  const written = await retrySoon(() => records.amend(run.uuid, conclude));
  if (written && ended) countEnded(status, ended, written);
  return written;
}

function countEnded(status: Status, ended: Counted | 'deprovisioned', record: DeviceRecord): void {
  const { desired, completedAt, error } = record;
  if (ended !== 'deprovisioned') status.count(ended);
  if (ended === 'failed') measures().failed(error?.code ?? 'unexpected', error?.step ?? null);
  if (ended === 'deprovisioned') measures().deprovisioned();
  if (ended === 'provisioned')
    measures().provisioned(operationOf(record), (completedAt ?? desired.requestedAt) - desired.requestedAt);
}
