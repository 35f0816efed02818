import { randomUUID } from 'node:crypto';
import type { DeviceRecord, Ticket } from '../device/record.js';
import { again, markDead, recordFromMessage, tell, workerDied } from '../device/transitions.js';
import type { ProvisioningMessage } from '../queue/messages.js';
import { send, sendCopy } from '../queue/publish.js';
import { ProvisioningError } from '../shared/errors.js';
import type { Row } from '../storage/table.js';
import { measures } from '../telemetry/metrics.js';
import { admitByCircuits, releaseCircuits } from '../throttling/circuitBreaker.js';
import type { Slot } from '../throttling/rateLimiter.js';
import type { Tools } from './dependencies.js';
import { claimSlot } from './reserve.js';
import { type Run, startRun } from './run.js';
import type { Delivery } from './worker.js';

export type Admission =
  | { kind: 'work'; run: Run }
  /** Its record is given up: what is left is to dead-letter the message. */
  | { kind: 'dead'; record: DeviceRecord }
  /** Nothing to do now, and whatever is to come has its message. */
  | { kind: 'put-off' };

const putOff: Admission = { kind: 'put-off' };
/** How much later than it was sent for a message must appear to be one that was sent again by hand, clocks that differ included. */
const byHandMs = 60_000;
const leaseWaitMs = 5_000;
const mostConflicts = 50;

/** May this message work, and now? Steps 1 to 5 of the protocol's worker, each from the start again after a conflict. */
export async function admit(
  tools: Tools,
  message: ProvisioningMessage,
  delivery: Delivery,
): Promise<Admission> {
  const id = `${tools.instance}/${randomUUID()}`;
  for (let tries = 0; tries < mostConflicts; tries += 1) {
    const admission = await tryToAdmit(tools, message, delivery, id);
    if (!admission) continue;
    if (admission.kind !== 'work') await releaseCircuits(tools, id, new Set());
    return admission;
  }
  throw new ProvisioningError('records-unavailable', 'The record is being changed too often.', {
    retry: 'later',
  });
}

/** @returns null on a conflict, or when the record was made anew: read it again */
async function tryToAdmit(
  tools: Tools,
  message: ProvisioningMessage,
  delivery: Delivery,
  id: string,
): Promise<Admission | null> {
  const { records, queue, clock } = tools;
  const found = await records.read(message.uuid);
  if (!found || message.n > found.value.lastN) {
    // The record was lost.
    await records.write(recordFromMessage(message, clock.now()), found?.etag ?? null);
    return null;
  }
  const record = found.value;
  const { ticket, lease } = record;
  if (ticket?.n !== message.n || record.desired.requestId !== message.requestId) {
    await send(tools, record);
    return putOff;
  }
  if (ticket.dead) {
    if (!sentByHand(ticket.dead, message, delivery)) return { kind: 'dead', record };
    again(record, clock.now());
    Object.assign(record, { attempts: 0, retries: 0, replays: record.replays + 1, error: null });
    tell(record, { at: clock.now(), what: 'replayed', note: 'its dead letter was sent again by hand' });
    return rewrite(tools, found);
  }
  if (lease && clock.now() < lease.until) {
    await sendCopy(queue, message, delivery.sequenceNumber, Math.min(lease.until, clock.now() + leaseWaitMs));
    return putOff;
  }
  const circuitOpenUntil = await admitByCircuits(tools, id);
  if (circuitOpenUntil !== null) {
    again(record, circuitOpenUntil);
    tell(record, { at: clock.now(), what: 'waited', note: 'for balena or the hub, which did not answer' });
    return rewrite(tools, found);
  }
  const claim = await claimSlot(tools, record);
  if (claim.kind === 'later') {
    again(record, claim.due, claim.slot === undefined ? {} : { slot: claim.slot });
    tell(record, { at: clock.now(), what: 'waited', note: 'for its registry slot' });
    return (await rewrite(tools, found)) ?? notWritten(claim.slot);
  }
  return (await takeLease(tools, found, id, claim.slot)) ?? notWritten(claim.slot);

  /** The slot that the record has had before is still its own; another one is free again. */
  function notWritten(slot: Slot | null = null): null {
    if (slot !== null && slot !== ticket?.slot) tools.pace.giveBack(slot);
    return null;
  }
}

/** Writes a record with a ticket for later, and sends that ticket's message. */
async function rewrite(tools: Tools, { value, etag }: Row<DeviceRecord>): Promise<Admission | null> {
  if (!(await tools.records.write(value, etag))) return null;
  await send(tools, value);
  return putOff;
}

async function takeLease(
  tools: Tools,
  { value: record, etag }: Row<DeviceRecord>,
  id: string,
  slot: number | null,
): Promise<Admission | null> {
  const { records, clock, settings, pace } = tools;
  if (record.lease) {
    // Whoever held it died, or left it: what it last did at the hub is not known.
    record.observed.hub = 'unknown';
    if (!record.lease.left) {
      record.attempts += 1;
      tell(record, { at: clock.now(), what: 'died', note: 'the worker that was at it died, or was stopped' });
    }
    if (record.attempts >= settings.maxAttempts) {
      // A device that kills its worker must not do so for ever.
      record.lease = null;
      markDead(record, workerDied(), clock.now());
      if (!(await records.write(record, etag))) return null;
      if (slot !== null) pace.giveBack(slot);
      if (!record.ticket) return putOff;
      tools.status.count('failed');
      measures().failed('worker-died', null);
      return { kind: 'dead', record };
    }
  }
  const startedAt = clock.now();
  record.lease = { by: id, until: startedAt + settings.workLimitMs + settings.leaseGraceMs };
  const { present, service } = record.desired;
  if (present && service !== null && !record.places.includes(service)) record.places.push(service);
  if (!(await records.write(record, etag))) return null;
  measures().tookUp(startedAt - (record.ticket?.due ?? startedAt));
  return { kind: 'work', run: startRun(tools, record, id, startedAt, slot) };
}

function sentByHand(
  dead: NonNullable<Ticket['dead']>,
  message: ProvisioningMessage,
  { enqueuedAt }: Delivery,
): boolean {
  return !dead.cancelled && enqueuedAt > dead.at && enqueuedAt > message.due + byHandMs;
}
