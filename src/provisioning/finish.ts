import type { Check, DeviceRecord, Job, StepResult } from '../device/record.js';
import { deadPart, heldPlace, isRefused } from '../device/refusal.js';
import { isCheckNext, operationOf, pendingWork, workOfMessage } from '../device/state.js';
import {
  completed,
  deadLettered,
  endedAfterCancel,
  failed,
  leaseLost,
  leaseReleased,
  looked,
  refused,
  restoredFromRun,
  retried,
  scopesFound,
  suspended,
} from '../device/transitions.js';
import type { Status } from '../health/status.js';
import type { ProvisioningMessage } from '../queue/messages.js';
import type { ProvisioningError } from '../shared/errors.js';
import type { EpochMs } from '../shared/time.js';
import { productMetrics } from '../telemetry/metrics.js';
import { currentTraceparent } from '../telemetry/traceparent.js';
import { backOff, quickTryAfter } from '../throttling/backOff.js';
import { areAllClosed, releaseProbes } from '../throttling/circuitBreaker.js';
import type { RateLimiter, Reservation } from '../throttling/rateLimiter.js';
import type { Delivery, WorkerDependencies } from './dependencies.js';
import type { Run } from './run.js';

const weekMs = 7 * 86_400_000;

/** How a run ended. */
export type RunOutcome =
  | { kind: 'succeeded' }
  | { kind: 'reservation-not-due'; reservation: Reservation; due: EpochMs }
  | { kind: 'hub-circuit-open'; until: EpochMs }
  | { kind: 'failed'; error: ProvisioningError };

/** The outcome, with everything that decides about the next run. */
type Conclusion =
  | { kind: 'succeeded' }
  | { kind: 'suspended'; reservation?: Reservation; due: EpochMs }
  | {
      kind: 'retried' | 'failed';
      error: ProvisioningError;
      counted: boolean;
      due: EpochMs;
      growsBackOff: boolean;
    };

/**
 * Writes the findings of a run into the record, together with the next run if there is one (docs/protocol.md, "Worker", step 7).
 *
 * @returns the written record
 * @throws ProvisioningError `records-unavailable`: the lease then runs out, and the run counts as one whose worker died
 */
export async function finish(
  deps: WorkerDependencies,
  message: ProvisioningMessage & Pick<Delivery, 'enqueuedAt'>,
  run: Run,
  outcome: RunOutcome,
): Promise<DeviceRecord> {
  const { records, clock, circuits, retryTransient, settings } = deps;
  await releaseProbes(circuits, run.id, run.healthyDependencies);
  if (outcome.kind === 'failed' && outcome.error.code === 'balena-write-refused')
    run.observed.writeRefused = true;
  const steps = stepsOf(run, outcome);
  const conclusionFor = await prepareConclusion(deps, outcome, run.blamesDevice);

  let ended: DeviceRecord | null = null;
  const written = await retryTransient(() =>
    records.amend(run.uuid, (found) => {
      ended = null;
      const context = { now: clock.now(), traceparent: currentTraceparent() };
      const record = found ?? scopesFound(restoredFromRun(run.leased, context), run.scopes);
      const lateUntil = context.now + settings.leaseGraceMs;
      if (record.lease?.by !== run.id) {
        return leaseLost(record, context, run.scopes, run.outcomeUnknown ? lateUntil : null);
      }
      const released = leaseReleased(record, run, lateUntil);
      const work = workOfMessage(released, message);
      if (!work) return released;
      const concluded = conclude(released, context, conclusionFor(released), {
        ...{ steps, work, run },
        keepIssuedMs: settings.keepIssuedMs ?? weekMs,
      });
      ended = endedPart(released, concluded);
      return deadLettered(concluded, message) ?? concluded;
    }),
  );
  if (!written) throw new Error('unreachable: every run ends with a write');
  releaseUnused(deps.rateLimiter, run, written);
  if (ended) countEnded(deps.status, ended);
  return written;
}

/** Gives the run's reservation back, unless the run has used the reservation, or the device holds the place. */
function releaseUnused(rateLimiter: RateLimiter, { reservation }: Run, record: DeviceRecord): void {
  if (reservation === null) return;
  const isKept = [pendingWork(record)?.reservation, heldPlace(record)].some(
    (kept) => kept?.lane === reservation.lane && kept.turn === reservation.turn,
  );
  if (!isKept) rateLimiter.release(reservation);
}

/** Decides what follows the run, as far as no record is needed. The returned function decides the rest for a record. */
async function prepareConclusion(
  deps: WorkerDependencies,
  outcome: RunOutcome,
  blamesDevice: boolean,
): Promise<(record: DeviceRecord) => Conclusion> {
  const { clock, settings, random, circuits } = deps;
  if (outcome.kind === 'succeeded') return () => outcome;
  if (outcome.kind === 'reservation-not-due') {
    const { reservation, due } = outcome;
    return () => ({ kind: 'suspended', reservation, due });
  }
  if (outcome.kind === 'hub-circuit-open') return () => ({ kind: 'suspended', due: outcome.until });
  const { error } = outcome;
  const counted = blamesDevice && (await countsAsAttempt(deps, error));
  const chance = random();
  // While a dependency does not answer, the circuit decides about the next run. The failure says nothing about the device, so the
  // device's own back-off does not grow. A Retry-After shows that the dependency answers.
  const { dependency } = error;
  const isDown = dependency !== null && !error.policy.isFinal && error.retryAfterMs === null;
  const circuitRetryAt = isDown ? await circuits[dependency].nextAttemptAt() : null;
  return (record) => {
    const { attempts, retries, quickTries } = record;
    if (hasQuickTries(record, error) && quickTries < error.policy.quickTries) {
      const due = clock.now() + quickTryAfter(quickTries, chance, settings.longestBackOffMs);
      return { kind: 'retried', error, counted, due, growsBackOff: false };
    }
    const tooMany = counted && attempts + 1 >= settings.maxAttempts;
    return {
      kind: error.policy.isFinal || tooMany ? 'failed' : 'retried',
      error,
      counted,
      due: circuitRetryAt ?? clock.now() + backOff(error, retries, chance, settings.longestBackOffMs),
      growsBackOff: circuitRetryAt === null,
    };
  };
}

/**
 * Whether quick tries follow. A caller can invent UUIDs, so the request of a caller for a device that balena does not have costs one look-up.
 * Quick tries follow for a device that balena or the sweep has announced, for a check, and for a device that has no services yet.
 */
function hasQuickTries(record: DeviceRecord, { code, mayAppear }: ProvisioningError): boolean {
  if (!mayAppear) return false;
  return code !== 'device-not-found' || record.desired.announced === true || isCheckNext(record);
}

function conclude(
  record: DeviceRecord,
  context: { now: EpochMs; traceparent: string | undefined },
  next: Conclusion,
  {
    steps,
    work,
    run,
    keepIssuedMs,
  }: { steps: readonly StepResult[]; work: Job | Check; run: Run; keepIssuedMs: number },
): DeviceRecord {
  if (next.kind === 'succeeded') {
    return run.looksOnly
      ? looked(record, context, steps)
      : completed(record, context, steps, work === record.check, keepIssuedMs);
  }
  if ('dead' in work && work.dead) {
    const note = next.kind === 'suspended' ? 'cancelled' : `${next.error.code}: ${next.error.message}`;
    return endedAfterCancel(record, context, note, steps);
  }
  if (next.kind === 'suspended') return suspended(record, context, next.due, next.reservation, steps);
  const failure = { error: next.error, counted: next.counted, steps };
  if (next.kind === 'failed')
    return (isRefused(record, next.error) ? refused : failed)(record, context, failure);
  return retried(record, context, failure, next.due, next.growsBackOff, run.place ?? undefined);
}

/** The record with a change that has succeeded, failed for good, or was refused in this run; null if no change has ended. */
function endedPart(before: DeviceRecord, after: DeviceRecord): DeviceRecord | null {
  const { job, desired } = before;
  if (!job) return null;
  const dead = deadPart(after, { requestId: desired.requestId, generation: job.generation });
  if (dead) return job.dead ? null : dead;
  return after.job === null ? after : null;
}

function countEnded(status: Status, record: DeviceRecord): void {
  const { desired, completedAt, error, job } = record;
  if (job?.dead) {
    status.count('failed');
    productMetrics().failed(error?.code ?? 'unexpected', error?.step ?? null);
  } else if (desired.present) {
    status.count('provisioned');
    const took = (completedAt ?? desired.requestedAt) - desired.requestedAt;
    productMetrics().provisioned(operationOf(record), took);
  } else {
    status.count('deprovisioned');
    productMetrics().deprovisioned();
  }
}

/**
 * A failed run counts as an attempt only if the device's own work failed. A dependency that is down, throttles or rejects our
 * credentials is not the device's fault, and must not end the device's request, however long the outage lasts.
 */
export async function countsAsAttempt(
  { circuits }: Pick<WorkerDependencies, 'circuits'>,
  { policy }: Pick<ProvisioningError, 'policy'>,
): Promise<boolean> {
  if (policy.countsAsAttempt === 'never') return false;
  const { dependency } = policy;
  try {
    // The other dependency has no part in the failure. Its circuit may stay open, because this device never calls it.
    if (dependency !== null) return (await circuits[dependency].read()).state === 'closed';
    return await areAllClosed(circuits);
  } catch {
    // The records do not answer either, so the failure may not be the device's fault.
    return false;
  }
}

/**
 * The steps of a run, for the history. A step can also fail after all its calls have succeeded, for example because the service does not
 * exist. Such a failure is only in the run's outcome.
 */
export function stepsOf({ steps }: Pick<Run, 'steps'>, outcome: RunOutcome): StepResult[] {
  if (outcome.kind !== 'failed') return [...steps];
  const { step, code } = outcome.error;
  return steps.map((result) => (result.step === step ? { ...result, code } : result));
}
