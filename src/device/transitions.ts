import type { ProvisioningMessage } from '../queue/messages.js';
import { ProvisioningError } from '../shared/errors.js';
import { currentTraceparent } from '../telemetry/traceparent.js';
import type { Desired, DeviceRecord, HistoryEvent, Job, RecordedError } from './record.js';

/**
 * A record made anew. `lastN` starts at the Unix time in seconds, so that a record that was lost cannot meet its own past.
 *
 * @param now Unix ms
 */
export function newRecord(uuid: string, desired: Desired, now: number): DeviceRecord {
  const lastGeneration = Math.floor(now / 1000);
  return {
    uuid,
    desired,
    job: null,
    lease: null,
    observed: {
      thumbprint: null,
      previous: null,
      service: null,
      hub: 'unknown',
      fleet: null,
      notBefore: null,
      notAfter: null,
      keyAlgorithm: null,
      verifiedAt: 0,
    },
    scopes: [],
    attempts: 0,
    retries: 0,
    failures: 0,
    replays: 0,
    error: null,
    action: null,
    completedAt: null,
    history: [],
    coolDownUntil: 0,
    firstSeenAt: now,
    firstGeneration: lastGeneration,
    lastGeneration,
    updatedAt: now,
    stamp: '',
  };
}

/**
 * The record of a device whose record was lost, from a message that was under way: all that is owed is in it. What the device
 * holds is found out by the worker.
 *
 * @param now Unix ms
 */
export function recordFromMessage(
  { uuid, requestId, generation, operation, service, traceparent }: ProvisioningMessage,
  now: number,
): DeviceRecord {
  const present = operation === 'provision';
  const record = newRecord(
    uuid,
    { present, service: present ? (service ?? '') : null, requestId, requestedAt: now },
    now,
  );
  const job: DeviceRecord['job'] = { generation, kind: 'change', due: now };
  if (traceparent !== undefined) job.traceparent = traceparent;
  return { ...record, job, firstGeneration: generation, lastGeneration: generation };
}

/**
 * Owes the record's work at a new time, under a new number, so that every older message is superseded. Kind and distrust of
 * the ticket are kept; where there was none, it is a change. The trace goes on, too, unless a kind is given: that is new work.
 *
 * @param due Unix ms
 * @param more what differs from the ticket before; a reserved slot is not kept, unless named here
 */
export function reschedule(
  record: DeviceRecord,
  due: number,
  more: Pick<Partial<Job>, 'kind' | 'reservation' | 'forceVerify'> = {},
): void {
  const old = record.job;
  record.lastGeneration += 1;
  const kind = more.kind ?? old?.kind ?? 'change';
  // Whole: a message with half a millisecond is one that no worker reads.
  record.job = { generation: record.lastGeneration, kind, due: Math.round(due) };
  if (old?.forceVerify || more.forceVerify) record.job.forceVerify = true;
  if (more.reservation !== undefined) record.job.reservation = more.reservation;
  const traceparent = (more.kind === undefined ? old?.traceparent : undefined) ?? currentTraceparent();
  if (traceparent !== undefined) record.job.traceparent = traceparent;
}

const minutes = 60_000;
const firstCoolDown = 10 * minutes;
const longestCoolDown = 360 * minutes;

/**
 * Ends the request for good. A change is dead until it is asked for or replayed again, with a cool-down of 10 minutes that
 * doubles with each failure up to 6 hours, so that a device which asks for ever cannot flood the dead-letter queue. A check
 * just ends: what it checks stays as it was asked for.
 *
 * @param now Unix ms
 */
export function markDead(record: DeviceRecord, error: ProvisioningError, now: number): void {
  record.error = recordedError(error, now);
  if (record.job?.kind !== 'change') {
    // Whatever opens it again, a run that had lost its lease too, starts to count anew.
    Object.assign(record, { job: null, attempts: 0, retries: 0 });
    return;
  }
  record.job.dead = { at: now };
  record.failures += 1;
  record.coolDownUntil = now + Math.min(firstCoolDown * 2 ** (record.failures - 1), longestCoolDown);
}

/** @param now Unix ms */
export function recordedError(error: ProvisioningError, now: number): RecordedError {
  return { code: error.code, step: error.step ?? null, message: error.message, at: now };
}

/** What a worker that lost its lease by dying is recorded as. */
export function workerDied(): ProvisioningError {
  return new ProvisioningError(
    'worker-died',
    'The worker died, or was stopped, each time it worked on this device.',
    {
      retry: 'later',
    },
  );
}

/** About two kilobytes in a row that may have 64: a device that was in trouble for a day still shows how it began to be. */
const mostEvents = 24;

/** Adds to the device's story. An event that says what the last one said takes its place, so that hours of waiting are one line. */
export function appendHistory(record: DeviceRecord, event: HistoryEvent): void {
  const last = record.history.at(-1);
  if (last?.type === event.type && last.note === event.note) record.history.pop();
  record.history = [...record.history, event].slice(-mostEvents);
}
