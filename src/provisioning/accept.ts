import { randomUUIDv7 } from 'node:crypto';
import type { Desired, DeviceRecord, Place } from '../device/record.js';
import type { Records } from '../device/repository.js';
import { fits, live, operationOf, sameDesired } from '../device/state.js';
import { again, newRecord, tell } from '../device/transitions.js';
import { messageIdOf, type SentRecently, sendOrMark } from '../queue/publish.js';
import type { Queue } from '../queue/queue.js';
import type { Clock } from '../shared/time.js';
import { know } from '../telemetry/logContext.js';
import { measures } from '../telemetry/metrics.js';
import { check } from './check.js';

/** What is asked for: a device at a service ('' for the device level), or its absence. */
export type Asked = (
  | { uuid: string; present: true; service: Place; retire?: string; revoke?: boolean }
  | { uuid: string; present: false }
) & {
  /** Unix ms before which the work is not to begin; default: now. */
  due?: number;
  /** Have the worker ask the hub instead of believing the record. */
  distrust?: boolean;
  /** The bulk action of ops on whose behalf it is asked. */
  action?: string;
};

export type Acceptance =
  | Accepted
  | { kind: 'already-provisioned'; record: DeviceRecord }
  /** It failed for good, and is not taken up again before this Unix ms. */
  | { kind: 'failed'; record: DeviceRecord; askAgainAt: number }
  /** Its service was changed less than ten minutes ago. */
  | { kind: 'service-conflict'; record: DeviceRecord; askAgainAt: number };

/** It is under way, and its message is in the queue. */
export interface Accepted {
  kind: 'accepted';
  record: DeviceRecord;
}

export interface AcceptTools {
  records: Records;
  queue: Queue;
  clock: Clock;
  sentRecently: SentRecently;
}

const minutes = 60_000;
const verifyAfterMs = 10 * minutes;
/** A turn that comes sooner is not worth a new request. */
const soonMs = 60_000;
const moveAgainAfterMs = 10 * minutes;
/** A record that was written can have lost its message with the process that was to send it: asked again after this, it is sent again. */
const sendAgainAfterMs = 30_000;

/**
 * Takes a request in one durable step: the record says what the device should be, and a message in the queue nudges a worker
 * to look at it. A repeated ask costs one read.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: nothing is promised, and asking again is harmless
 */
export async function accept(tools: AcceptTools, asked: Asked): Promise<Acceptance> {
  const answer = await take(tools, asked, (record) => withoutChange(asked, record, tools.clock.now()));
  const { kind, record } = answer;
  if (kind === 'already-provisioned' && tools.clock.now() - record.observed.verifiedAt > verifyAfterMs) {
    // A courtesy to the device: that it cannot be asked for now does not change the answer.
    await check(tools, record.uuid).catch(() => {});
  }
  return answer;
}

/**
 * Takes a request on behalf of a device that has just appeared, and only if nothing was ever asked for it: what was asked for
 * by someone who knows, a DELETE in the same moment included, stands.
 *
 * @returns null if something was asked for it, and nothing of that is owed
 * @throws as `accept`
 */
export function acceptNew(tools: AcceptTools, uuid: string, service: Place): Promise<Accepted | null> {
  return take<Accepted | null>(tools, { uuid, present: true, service }, (record) => {
    const { desired, ticket } = record;
    // The same event again, after the record was written and its message could not be sent: asked again, it is sent.
    return desired.present && live(ticket) && ticket.kind === 'change' ? { kind: 'accepted', record } : null;
  });
}

/**
 * @param decide the answer that a record gives already; undefined to write the request into it
 */
async function take<D extends Acceptance | null>(
  tools: AcceptTools,
  asked: Asked,
  decide: (record: DeviceRecord) => D | undefined,
): Promise<D | Accepted> {
  let decided: D | undefined;
  const written = await tools.records.amend(asked.uuid, (record) => {
    decided = record ? decide(record) : undefined;
    return decided === undefined ? request(asked, record, tools.clock.now()) : null;
  });
  if (written) {
    const operation = operationOf(written);
    know({ uuid: written.uuid, requestId: written.desired.requestId, operation });
    await sendAndRemember(tools, written);
    measures().accepted(operation);
    return { kind: 'accepted', record: written };
  }
  if (decided === undefined) throw new Error('unreachable: nothing was written and nothing decided');
  if (decided?.kind === 'accepted' && needsSending(tools, decided.record))
    await sendAndRemember(tools, decided.record);
  return decided;
}

/** The answer to a request that changes nothing, if it is one. */
function withoutChange(asked: Asked, record: DeviceRecord, now: number): Acceptance | undefined {
  const { ticket, desired } = record;
  const same = sameDesired(asked, record);
  if (same && live(ticket) && ticket.kind === 'change' && !waitsForItsTurn(record, now))
    return { kind: 'accepted', record };
  if (!asked.present) return undefined;
  if (same && !ticket?.dead && fits(record)) return { kind: 'already-provisioned', record };
  if (same && ticket?.dead && now < record.coolUntil)
    return { kind: 'failed', record, askAgainAt: record.coolUntil };
  const moves = desired.present && desired.service !== asked.service;
  if (moves && desired.movedAt !== undefined && now - desired.movedAt < moveAgainAfterMs) {
    return { kind: 'service-conflict', record, askAgainAt: desired.movedAt + moveAgainAfterMs };
  }
  return undefined;
}

/**
 * It was asked for by a bulk action that has not come to it yet. A device that asks by itself is one that cannot wait for hours:
 * it is taken as a new request, and the action leaves it alone.
 */
function waitsForItsTurn({ action, ticket, lease, attempts, retries }: DeviceRecord, now: number): boolean {
  const isBegun = lease !== null || attempts > 0 || retries > 0 || ticket?.slot !== undefined;
  return action !== null && !isBegun && ticket !== null && ticket.due > now + soonMs;
}

/** The record with the new request. Touches neither lease nor observed nor places: those are the worker's. */
function request(asked: Asked, found: DeviceRecord | null, now: number): DeviceRecord {
  const desired = desiredOf(asked, found, now);
  const record = found ?? newRecord(asked.uuid, desired, now);
  const { retire, revoke } = record.desired;
  record.desired = desired;
  // What is owed already does not wait longer for a bulk action's sake.
  const owed = found && live(found.ticket) && found.ticket.kind === 'change' ? found.ticket.due : Infinity;
  again(record, Math.max(now, Math.min(owed, asked.due ?? now)), {
    kind: 'change',
    distrust: asked.distrust ?? false,
  });
  Object.assign(record, { firstN: record.lastN, attempts: 0, retries: 0, error: null, completedAt: null });
  const before = { ...(retire !== undefined && { retire }), ...(revoke !== undefined && { revoke }) };
  record.action = asked.action === undefined ? null : { id: asked.action, error: null, before };
  const what = operationOf(record);
  tell(record, {
    at: now,
    what: 'asked',
    note: `${what}${asked.present ? ` at ${asked.service === '' ? 'the device level' : asked.service}` : ''}`,
  });
  return record;
}

function desiredOf(asked: Asked, found: DeviceRecord | null, now: number): Desired {
  const requestId = randomUUIDv7();
  const before = found?.desired;
  const desired: Desired = {
    present: asked.present,
    service: asked.present ? asked.service : null,
    requestId,
    requestedAt: now,
  };
  if (asked.present && before?.present) {
    const movedAt = before.service === asked.service ? before.movedAt : now;
    if (movedAt !== undefined) desired.movedAt = movedAt;
  }
  // Carried along, through absent too, until an absent has ended: a revoked certificate must not come back.
  if (before && (before.present || found.ticket)) {
    if (before.retire !== undefined) desired.retire = before.retire;
    if (before.revoke) desired.revoke = true;
  }
  if (asked.present && asked.retire !== undefined) {
    desired.revoke = asked.revoke || (before?.revoke === true && before.retire === asked.retire);
    desired.retire = asked.retire;
  }
  return desired;
}

function needsSending({ clock, sentRecently }: AcceptTools, record: DeviceRecord): boolean {
  const { ticket, firstN, lease } = record;
  if (!live(ticket) || sentRecently.has(messageIdOf(record))) return false;
  return (
    ticket.unsent === true || (ticket.n === firstN && !lease && clock.now() - ticket.due > sendAgainAfterMs)
  );
}

async function sendAndRemember(tools: AcceptTools, record: DeviceRecord): Promise<void> {
  await sendOrMark(tools, record);
  tools.sentRecently.add(messageIdOf(record));
}
