import type { ProvisioningError } from '../shared/errors.js';
import type { EpochMs } from '../shared/time.js';
import type {
  Desired,
  DeviceRecord,
  HistoryEvent,
  Job,
  Observed,
  RecordedError,
  VariableScope,
} from './record.js';
import { operationOf } from './state.js';

/* The building blocks of the transitions. Only `transitions.ts` uses these functions. */

/** The time of a transition, and the trace context of the caller (undefined if the caller is not traced). */
export interface Context {
  now: EpochMs;
  traceparent?: string | undefined;
}

/** The pending work of a record that was lost, as its message describes the work. The message does not say what the device holds. */
export interface LostWork {
  uuid: string;
  requestId: string;
  generation: number;
  operation: 'provision' | 'deprovision';
  /** Null when the device is to be deprovisioned. */
  service: VariableScope | null;
  traceparent?: string | undefined;
}

/**
 * The Unix time in seconds, as a generation. The generations of a record grow more slowly than one a second, so this generation is above
 * every generation of a record that was lost.
 */
export function firstGenerationAt(now: EpochMs): number {
  return Math.floor(now / 1_000);
}

/** A new, empty record, with a generation above every generation of a record that was lost. */
export function newRecord(uuid: string, desired: Desired, now: EpochMs): DeviceRecord {
  const lastGeneration = firstGenerationAt(now);
  return {
    uuid,
    desired,
    job: null,
    lease: null,
    late: null,
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

/** The desired state that a message of a lost record describes. */
export function desiredByMessage({ operation, service, requestId }: LostWork, now: EpochMs): Desired {
  const present = operation === 'provision';
  return { present, service: present ? (service ?? '') : null, requestId, requestedAt: now };
}

/** Resets the counters of failed runs, and the error. */
export const noFailure = { attempts: 0, retries: 0, error: null } as const;

interface JobDetails {
  kind: Job['kind'];
  due: EpochMs;
  /** The reservation of the new job. An earlier job's reservation is not kept. */
  reservation?: number | undefined;
  forceVerify?: boolean | undefined;
}

/** Gives the record a job with a new generation, so that every older message is superseded. */
export function startJob(
  record: DeviceRecord,
  traceparent: string | undefined,
  { kind, due, reservation, forceVerify }: JobDetails,
): DeviceRecord {
  const generation = record.lastGeneration + 1;
  const job: Job = {
    generation,
    kind,
    // A message body holds whole milliseconds only.
    due: Math.round(due),
    ...(forceVerify && { forceVerify }),
    ...(reservation !== undefined && { reservation }),
    ...(traceparent !== undefined && { traceparent }),
  };
  return { ...record, lastGeneration: generation, job };
}

/**
 * Moves the job to another time, under a new generation. Kind, `forceVerify` and trace are kept. A record without a job gets a change.
 *
 * @param reservation the reservation of the new job; an earlier reservation is not kept
 */
export function reschedule(
  record: DeviceRecord,
  { traceparent }: Context,
  due: EpochMs,
  reservation?: number,
): DeviceRecord {
  const { job } = record;
  return startJob(record, job?.traceparent ?? traceparent, {
    kind: job?.kind ?? 'change',
    due,
    reservation,
    forceVerify: job?.forceVerify,
  });
}

/** The earliest start of the next run. While an unresolved lease lasts, no run may start: the earlier run's write may still take effect. */
export function afterLease({ lease }: DeviceRecord, due: EpochMs, now: EpochMs): EpochMs {
  return Math.max(due, lease?.until ?? now, now);
}

const minutes = 60_000;
const firstCoolDown = 10 * minutes;
const longestCoolDown = 360 * minutes;

/**
 * Makes a change dead, with a cool-down of 10 minutes that doubles with each failure up to 6 hours: a device that repeats its request
 * for ever must not flood the dead-letter queue. A check ends without a job, and the next job starts to count from zero.
 */
export function markDead(record: DeviceRecord, error: ProvisioningError, now: EpochMs): DeviceRecord {
  const next = { ...record, error: recordedError(error, now) };
  if (record.job?.kind !== 'change') return { ...next, job: null, attempts: 0, retries: 0 };
  const failures = record.failures + 1;
  const coolDown = Math.min(firstCoolDown * 2 ** (failures - 1), longestCoolDown);
  return { ...next, job: { ...record.job, dead: { at: now } }, failures, coolDownUntil: now + coolDown };
}

/** An error in its stored form. */
export function recordedError({ code, step, message }: ProvisioningError, at: EpochMs): RecordedError {
  return { code, step: step ?? null, message, at };
}

/** After a run of unknown outcome, the accepted thumbprints at the hub are not known. */
export function withUnknownHub(observed: Observed): Observed {
  return { ...observed, hub: 'unknown' };
}

/** A run has ended without a result. Its writes may still take effect, in all scopes of the record. */
export function withLateWrites(record: DeviceRecord, until: EpochMs): DeviceRecord {
  const { late, scopes } = record;
  return {
    ...record,
    late: {
      until: Math.max(late?.until ?? 0, until),
      scopes: [...new Set([...(late?.scopes ?? []), ...scopes])],
    },
  };
}

/** All late writes have taken effect by now, if ever. The next run compares hub and scopes with the desired state. */
export function withoutLateWrites(record: DeviceRecord, now: EpochMs): DeviceRecord {
  const { late, observed } = record;
  if (!late || now < late.until) return record;
  return addScopes({ ...record, late: null, observed: withUnknownHub(observed) }, late.scopes);
}

/** While late writes are possible, what a run found is not final: a check follows. Other records stay as they are. */
export function checkAfterLateWrites(record: DeviceRecord, { now, traceparent }: Context): DeviceRecord {
  if (!record.late) return record;
  const due = Math.max(now, record.late.until);
  return startJob(record, traceparent, { kind: 'check', due, forceVerify: true });
}

/** Adds scopes that may hold our variables. */
export function addScopes(record: DeviceRecord, scopes: readonly VariableScope[]): DeviceRecord {
  return { ...record, scopes: [...new Set([...record.scopes, ...scopes])] };
}

/** The row has room for 64 KB. 24 events are about 2 KB, and still show how a day of trouble began. */
const mostEvents = 24;

/** Appends an event. An event with the type and the note of the last event replaces the last event, so that hours of waiting are one line. */
export function appendHistory(record: DeviceRecord, event: HistoryEvent): DeviceRecord {
  const last = record.history.at(-1);
  const repeats = last?.type === event.type && last.note === event.note;
  const earlier = repeats ? record.history.slice(0, -1) : record.history;
  return { ...record, history: [...earlier, event].slice(-mostEvents) };
}

/** A request in the words of the history: "provision at main". */
export function describeRequest(record: DeviceRecord): string {
  const { present, service } = record.desired;
  const where = service === '' ? 'the device level' : service;
  return present ? `${operationOf(record)} at ${where}` : operationOf(record);
}
