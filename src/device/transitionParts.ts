import type { ProvisioningError } from '../shared/errors.js';
import type { EpochMs } from '../shared/time.js';
import type {
  Check,
  CheckNotice,
  Desired,
  DeviceRecord,
  HistoryEvent,
  Observed,
  OwnKey,
  PendingWork,
  RecordedError,
  VariableScope,
} from './record.js';
import { retirementOf } from './request.js';
import { isPending, operationOf, pendingWork } from './state.js';

/* The building blocks of the transitions. Only the transitions use these functions. */

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
  retire?: readonly string[] | undefined;
  revoke?: readonly string[] | undefined;
  revokedKeys?: readonly string[] | undefined;
  own?: OwnKey | undefined;
  proved?: true | undefined;
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
    fallback: null,
    refusal: null,
    check: null,
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
    quickTries: 0,
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
export function desiredByMessage(lost: LostWork, now: EpochMs): Desired {
  const { operation, service, requestId } = lost;
  const present = operation === 'provision';
  const own = present ? lost.own : undefined;
  return {
    present,
    service: present && !own ? (service ?? '') : null,
    ...(own && { own }),
    requestId,
    requestedAt: now,
    ...(present && lost.proved && { proved: true as const }),
    ...retirementOf(lost),
  };
}

/** Resets the counters of failed runs, and the error. */
export const noFailure = { attempts: 0, retries: 0, quickTries: 0, error: null } as const;

/** What is reserved for work: a registry operation, or a look-up in balena. */
export type Reserved = Pick<PendingWork, 'reservation' | 'lookUp'>;

/** The details of new work. */
export interface WorkDetails extends Reserved {
  due: EpochMs;
  forceVerify?: boolean | undefined;
}

/** New work with the next generation of the record, so that every older message is superseded. */
function nextWork(
  { lastGeneration }: DeviceRecord,
  traceparent: string | undefined,
  { due, reservation, lookUp, forceVerify }: WorkDetails,
): PendingWork {
  return {
    generation: lastGeneration + 1,
    // A message body holds whole milliseconds only.
    due: Math.round(due),
    ...(forceVerify && { forceVerify }),
    ...(reservation !== undefined && { reservation }),
    ...(lookUp !== undefined && { lookUp }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/** Gives the record a pending change. */
export function startJob(
  record: DeviceRecord,
  traceparent: string | undefined,
  details: WorkDetails,
): DeviceRecord {
  const job = nextWork(record, traceparent, details);
  return { ...record, lastGeneration: job.generation, job };
}

/** See `Check`. */
interface CheckMarks {
  notBefore?: EpochMs | undefined;
  again?: boolean | undefined;
  notice?: CheckNotice | undefined;
}

/** Gives the record a check. The job stays. */
export function startCheck(
  record: DeviceRecord,
  traceparent: string | undefined,
  details: WorkDetails & CheckMarks,
): DeviceRecord {
  const { notBefore, again, notice } = details;
  const work = nextWork(record, traceparent, details);
  const check: Check = {
    ...work,
    ...(notBefore !== undefined && { notBefore }),
    ...(again && { again }),
    ...(notice && { notice }),
  };
  return { ...record, lastGeneration: work.generation, check };
}

/**
 * Moves the next work to another time, under a new generation. `forceVerify`, trace and reservation are kept. A record without work gets
 * a change.
 *
 * @param reserved replaces the reservation of the work; an earlier look-up is not kept
 */
export function reschedule(
  record: DeviceRecord,
  { traceparent }: Context,
  due: EpochMs,
  reserved: Reserved = {},
): DeviceRecord {
  const work = pendingWork(record);
  const reservation = reserved.reservation ?? work?.reservation;
  const details = {
    ...reserved,
    reservation,
    due,
    forceVerify: work?.forceVerify,
    notice: record.check?.notice,
  };
  const start = work !== null && !isPending(record.job) ? startCheck : startJob;
  return start(record, work?.traceparent ?? traceparent, details);
}

/**
 * The check, after the end of a change or of the check itself. The run has covered a check whose time had come, unless the check was
 * requested during the run. Any other check is the next work, under a new generation: an earlier message may be gone.
 *
 * @param ofCheck true if the work of the run was the check
 */
export function endCheck(record: DeviceRecord, context: Context, ofCheck: boolean): DeviceRecord {
  const { now } = context;
  const { check } = record;
  const isLater = check !== null && !ofCheck && check.due > now;
  const next =
    check?.again || isLater ? renewCheck(record, now) : check ? { ...record, check: null } : record;
  const until = record.observed.issued?.until ?? null;
  // A check that failed at that time or later is not planned again: the record shows its failure.
  return until !== null && until > now ? planRetirement(next, context) : next;
}

/**
 * While an issued certificate stays beside an own one, a check waits for the time at which the issued certificate is retired. A check that waits
 * for an earlier time plans that check again at its end.
 */
export function planRetirement(record: DeviceRecord, { now, traceparent }: Context): DeviceRecord {
  const { check, desired, observed } = record;
  const until = observed.issued?.until ?? null;
  if (!desired.own || until === null || (check && check.due <= until)) return record;
  const { forceVerify, notice } = check ?? {};
  const due = Math.max(now, until);
  const details = { due, notBefore: due, forceVerify, notice };
  return startCheck(record, check?.traceparent ?? traceparent, details);
}

/**
 * What a success with the own key means for an issued certificate. If such a certificate stays, its time begins with the first success.
 * Otherwise the device is handed over: no issued certificate can come back.
 *
 * @param keepIssuedMs the time for which an issued certificate stays, ms
 */
export function withHandover(record: DeviceRecord, now: EpochMs, keepIssuedMs: number): DeviceRecord {
  const { desired, observed } = record;
  if (!desired.own) return record;
  const { issued } = observed;
  if (!issued) return { ...record, desired: { ...desired, own: { ...desired.own, handedOver: true } } };
  const until = issued.until ?? now + keepIssuedMs;
  return { ...record, observed: { ...observed, issued: { ...issued, until } } };
}

/** The check becomes the next work, under a new generation. */
export function renewCheck(record: DeviceRecord, now: EpochMs): DeviceRecord {
  const { check } = record;
  if (!check) return record;
  const { forceVerify, notBefore, notice, traceparent } = check;
  return startCheck(record, traceparent, { due: Math.max(now, check.due), forceVerify, notBefore, notice });
}

/** The earliest start of the next run. While an unresolved lease lasts, no run may start: the earlier run's write may still take effect. */
export function afterLease({ lease }: DeviceRecord, due: EpochMs, now: EpochMs): EpochMs {
  return Math.max(due, lease?.until ?? now, now);
}

const minutes = 60_000;
const firstCoolDown = 10 * minutes;
/** A device that requests while balena is still registering it repeats its request, and is looked up again. */
const firstUnknownCoolDown = 5_000;
const longestCoolDown = 360 * minutes;

/**
 * Makes a pending change dead, with a cool-down of 10 minutes that doubles with each failure up to 6 hours: a device that repeats its
 * request for ever must not flood the dead-letter queue. A check ends, and the next work starts to count from zero.
 */
export function markDead(record: DeviceRecord, error: ProvisioningError, context: Context): DeviceRecord {
  const { now } = context;
  const { job } = record;
  if (!isPending(job)) {
    const ended = {
      ...record,
      attempts: 0,
      retries: 0,
      quickTries: 0,
      error: errorAfterCheck(record, error, now),
    };
    return endCheck(ended, context, true);
  }
  const failures = record.failures + 1;
  const isUnknown =
    error.code === 'device-not-found' && record.desired.present && record.observed.fleet === null;
  const first = isUnknown ? firstUnknownCoolDown : firstCoolDown;
  const coolDown = Math.min(first * 2 ** (failures - 1), longestCoolDown);
  const dead = {
    ...record,
    error: recordedError(error, now),
    job: { ...job, dead: { at: now, ...(isUnknown && ({ unknown: true } as const)) } },
    failures,
    coolDownUntil: now + coolDown,
    // balena has no scope of the device. Otherwise each request for another service would add a scope.
    scopes: isUnknown ? [] : record.scopes,
  };
  return endCheck(dead, context, false);
}

/** A dead request keeps its own error, because its dead letter has the same one. Only another final cause replaces the error. */
export function errorAfterCheck(
  { job, error: before }: DeviceRecord,
  error: ProvisioningError,
  now: EpochMs,
): RecordedError | null {
  return job?.dead && !error.policy.isFinal ? before : recordedError(error, now);
}

/** The most characters of a text in a record. */
const longestText = 500;

/** A text of another system as the record stores the text: short, and without control characters, which JSON writes with six characters. */
function bounded(text: string): string {
  const plain = text.replaceAll(/\p{Cc}+/gu, ' ').toWellFormed();
  return plain.length > longestText ? `${plain.slice(0, longestText - 1).toWellFormed()}…` : plain;
}

/** An error in its stored form. */
export function recordedError({ code, step, message }: ProvisioningError, at: EpochMs): RecordedError {
  return { code, step: step ?? null, message: bounded(message), at };
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

/**
 * While late writes are possible, the result of a run is not final: a check follows. A check that waits already may look earlier, and is
 * then followed by another one. Other records stay as they are.
 */
export function checkAfterLateWrites(record: DeviceRecord, { now, traceparent }: Context): DeviceRecord {
  const { late, check } = record;
  if (!late) return record;
  const due = Math.max(now, Math.min(late.until, check?.due ?? late.until));
  return startCheck(record, check?.traceparent ?? traceparent, {
    due,
    forceVerify: true,
    notBefore: due > now ? due : undefined,
    notice: check?.notice,
  });
}

/** Adds scopes that may hold our variables. */
export function addScopes(record: DeviceRecord, scopes: readonly VariableScope[]): DeviceRecord {
  return { ...record, scopes: [...new Set([...record.scopes, ...scopes])] };
}

/** The row has room for 64 KB. 24 events are about 2 KB, and still show how a day of trouble began. */
const mostEvents = 24;

/** Appends an event. An event with the type and the note of the last event replaces the last event, so that hours of waiting are one line. */
export function appendHistory(record: DeviceRecord, event: HistoryEvent): DeviceRecord {
  const note = bounded(event.note);
  const last = record.history.at(-1);
  const repeats = last?.type === event.type && last.note === note;
  const earlier = repeats ? record.history.slice(0, -1) : record.history;
  return { ...record, history: [...earlier, { ...event, note }].slice(-mostEvents) };
}

/** A request in the words of the history: "provision at main". */
export function describeRequest(record: DeviceRecord): string {
  const { present, service, own } = record.desired;
  if (own) return `${operationOf(record)} with its own key`;
  const where = service === '' ? 'the device level' : service;
  return present ? `${operationOf(record)} at ${where}` : operationOf(record);
}

/** The cause of a wait before a run. */
export type WaitsFor = 'reservation' | 'look-up' | 'dependency';

/** The causes of a wait, for the history. */
export const waits: Record<WaitsFor, string> = {
  'look-up': 'waits for its look-up in balena',
  reservation: 'waits for its turn at the hub',
  dependency: 'waits until balena and the hub work again',
};
