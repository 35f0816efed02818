import type { DeviceRecord, Job, StepResult } from '../device/record.js';
import { operationOf } from '../device/state.js';
import { appendHistory, markDead, recordedError, reschedule } from '../device/transitions.js';
import type { Counted, Status } from '../health/status.js';
import type { ProvisioningMessage } from '../queue/messages.js';
import type { ProvisioningError } from '../shared/errors.js';
import { productMetrics } from '../telemetry/metrics.js';
import { backOff } from '../throttling/backOff.js';
import { releaseCircuits } from '../throttling/circuitBreaker.js';
import type { Reservation } from '../throttling/rateLimiter.js';
import type { WorkerDependencies } from './dependencies.js';
import type { Run } from './run.js';

/** How a run ended. */
export type RunOutcome =
  | { kind: 'done' }
  | { kind: 'reservation-not-due'; reservation: Reservation }
  | { kind: 'failed'; error: ProvisioningError };

/**
 * Writes down what a run found and did, and what is owed next (docs/protocol.md, Worker, 7).
 *
 * @returns the record as it was written; null if it is gone
 */
export async function finish(
  deps: WorkerDependencies,
  message: ProvisioningMessage,
  run: Run,
  ending: RunOutcome,
): Promise<DeviceRecord | null> {
  const { records, clock, rateLimiter, settings, random, circuits, status, retryTransient } = deps;
  if (run.reservation !== null && ending.kind !== 'reservation-not-due') rateLimiter.release(run.reservation);
  await releaseCircuits(deps, run.id, run.healthyDependencies);
  const counted = ending.kind === 'failed' && (await isCounted(deps, ending.error));
  // A call without an answer, or none made any more in time: what the hub holds is not known.
  if (ending.kind === 'failed' && (run.outcomeUnknown || ending.error.code === 'timed-out'))
    run.observed.hub = 'unknown';
  const due =
    ending.kind === 'reservation-not-due' ? Math.round(await rateLimiter.due(ending.reservation)) : 0;
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
      if (!record.job?.dead) reschedule(record, now);
      return record;
    }
    const free = run.outcomeUnknown ? record.lease.until : now;
    record.lease = run.outcomeUnknown ? { ...record.lease, left: true } : null;
    record.observed = run.observed;
    record.scopes = record.scopes.filter((scope) => !run.cleaned.has(scope));
    const { job } = record;
    if (job?.generation !== message.generation || record.desired.requestId !== message.requestId)
      return record;

    const event = { at: now, type: 'ran' as const, steps: stepsOf(run, ending) };
    if (ending.kind === 'done') {
      if (job.kind === 'change') ended = record.desired.present ? 'provisioned' : 'deprovisioned';
      Object.assign(record, {
        job: null,
        attempts: 0,
        retries: 0,
        failures: 0,
        replays: 0,
        error: null,
        coolUntil: 0,
        completedAt: record.completedAt ?? now,
      });
      record.observed.verifiedAt = now;
    } else if (job.dead) {
      // Cancelled meanwhile: a run that is to come again does not open it.
    } else if (ending.kind === 'reservation-not-due') {
      reschedule(record, Math.max(due, free), { reservation: ending.reservation });
    } else {
      const { error } = ending;
      if (counted) record.attempts += 1;
      if (error.retry === 'never' || (counted && record.attempts >= settings.maxAttempts)) {
        markDead(record, error, now);
        if (record.job?.dead) ended = 'failed';
      } else {
        const ownBackOff = backOff(error, record.retries, chance, settings.longestBackOffMs);
        reschedule(record, Math.max(whenBack ?? now + ownBackOff, free));
        if (whenBack === null) record.retries += 1;
        record.error = recordedError(error, now);
      }
    }
    appendHistory(record, { ...event, note: describeOutcome(record, job.kind, ending) });
    return record;
  };
  // Not written down, the device waits for the rest of the lease, and the run counts as one whose worker died.
  const written = await retryTransient(() => records.amend(run.uuid, conclude));
  if (written && ended) countEnded(status, ended, written);
  return written;
}

function countEnded(status: Status, ended: Counted | 'deprovisioned', record: DeviceRecord): void {
  const { desired, completedAt, error } = record;
  if (ended !== 'deprovisioned') status.count(ended);
  if (ended === 'failed') productMetrics().failed(error?.code ?? 'unexpected', error?.step ?? null);
  if (ended === 'deprovisioned') productMetrics().deprovisioned();
  if (ended === 'provisioned')
    productMetrics().provisioned(
      operationOf(record),
      (completedAt ?? desired.requestedAt) - desired.requestedAt,
    );
}

/**
 * How a run ended, for the device's story.
 *
 * @param record after the run was concluded in it
 * @param kind of the ticket that was worked on
 */
export function describeOutcome(record: DeviceRecord, kind: Job['kind'], ending: RunOutcome): string {
  const { job, desired } = record;
  if (ending.kind === 'done') {
    if (kind === 'check') return 'checked: it is as it should be';
    return desired.present ? 'provisioned' : 'deprovisioned';
  }
  if (ending.kind === 'reservation-not-due') return 'waits for its registry slot';
  const { code, message } = ending.error;
  if (job?.dead) return `failed for good, ${code}: ${message}`;
  if (job) return `${code}: ${message} It is tried again`;
  return `the check failed, ${code}: ${message}`;
}

/**
 * Does a failed run count as an attempt? Only if this device's own work failed. That the other side is down, throttles or
 * refuses our credentials is not the device's fault, and must not end its request, however long it lasts.
 */
export async function isCounted(
  { circuits }: WorkerDependencies,
  { code, retry }: ProvisioningError,
): Promise<boolean> {
  // That a device to be removed cannot be seen may never change.
  const isUnseen = code === 'device-not-found' && retry === 'later';
  if (code !== 'timed-out' && code !== 'unexpected' && !isUnseen) return false;
  try {
    const rows = await Promise.all([circuits.balena.read(), circuits.hub.read()]);
    return rows.every(({ state }) => state === 'closed');
  } catch {
    // The records are down as well: nothing speaks against the device.
    return false;
  }
}

/**
 * The steps of a run, as its story shows them. A step may also fail by what was found, after its calls outside have all gone well
 * (the service is not there, for example): that is only known from how the run ended.
 */
export function stepsOf({ steps }: Pick<Run, 'steps'>, ending: RunOutcome): StepResult[] {
  if (ending.kind !== 'failed') return [...steps];
  const { step, code } = ending.error;
  return steps.map((trace) => (trace.step === step ? { ...trace, code } : trace));
}
