import type { DeviceRecord, StepResult } from '../device/record.js';
import { scopesFound } from '../device/transitions.js';
import { type Dependency, ProvisioningError, type Step } from '../shared/errors.js';
import type { EpochMs } from '../shared/time.js';
import { productMetrics } from '../telemetry/metrics.js';
import { openStepSpans } from '../telemetry/spans.js';
import type { Reservation } from '../throttling/rateLimiter.js';
import type { WorkerDependencies } from './dependencies.js';
import type { Work } from './steps/work.js';

/** Ends a run that needs a registry operation whose time is not near. */
export class ReservationNotDue extends Error {
  constructor(readonly reservation: Reservation) {
    super('the reserved registry operation is not due yet');
  }
}

/** A run under a lease, with the limits that the protocol sets for calls to other systems. */
export interface Run extends Work {
  /** The holder's name in the lease. */
  readonly id: string;
  /** One of the run's writes may still take effect. */
  outcomeUnknown: boolean;
  /** Dependencies that the run used, and that answered every call. */
  readonly healthyDependencies: Set<Dependency>;
  /** The reserved operation; null once the run has used the reservation. */
  reservation: Reservation | null;
  readonly steps: StepResult[];
  /** Ends the run's spans. */
  end(error?: ProvisioningError): void;
}

/**
 * @param record the record with this run's lease
 * @param startedAt a time before the lease was written
 * @param reservation a reserved operation that is due; null if none is expected to be needed
 */
export function startRun(
  deps: WorkerDependencies,
  record: DeviceRecord,
  id: string,
  startedAt: EpochMs,
  reservation: Reservation | null,
): Run {
  const { clock, settings, retryTransient } = deps;
  const deadline = startedAt + settings.workLimitMs;
  const spans = openStepSpans();

  const run: Run = {
    id,
    uuid: record.uuid,
    desired: record.desired,
    scopes: record.scopes,
    forceVerify: record.job?.forceVerify ?? false,
    observed: structuredClone(record.observed),
    clearedScopes: new Set(),
    outcomeUnknown: false,
    healthyDependencies: new Set(),
    reservation,
    steps: [],
    end: (error) => spans.end(error),
    now: () => clock.now(),
    mint: () => timed('mint', () => deps.mint(record.uuid, clock.now())),
    settings,
    async recordScopes(scopes) {
      const written = await retryTransient(() =>
        deps.records.amend(record.uuid, (found) =>
          found?.lease?.by === id ? scopesFound(found, scopes) : null,
        ),
      );
      if (!written) throw new ProvisioningError('timed-out', 'Another run has taken the device.');
      run.scopes = written.scopes;
    },
    balena: (step, call) => timed(step, () => callDependency('balena', step, () => call(deps.balena))),
    hub: (step, call) =>
      timed(step, () =>
        callDependency('hub', step, async () => {
          await takeOperation();
          return call(deps.hub, timeLeft());
        }),
      ),
  };
  const unhealthy = new Set<Dependency>();
  const takeOperation = operationsOf(deps, run);
  return run;

  /** The rest of the work limit, ms. No call to another system starts after the limit. */
  function timeLeft(): number {
    const ms = deadline - clock.now();
    if (ms > 0) return ms;
    throw new ProvisioningError('timed-out', `The work took longer than ${settings.workLimitMs / 1_000} s.`);
  }

  /** Several calls of one step are one entry: their times are added, and the last error stays. */
  async function timed<R>(step: Step, call: () => Promise<R>): Promise<R> {
    const begun = clock.now();
    let code: StepResult['code'] = null;
    try {
      return await spans.within(step, call);
    } catch (error) {
      if (!(error instanceof ReservationNotDue)) code = ProvisioningError.from(error).code;
      throw error;
    } finally {
      const ms = clock.now() - begun;
      const at = run.steps.findIndex((result) => result.step === step);
      const before = run.steps[at];
      if (before) run.steps[at] = { step, ms: before.ms + ms, code: code ?? before.code };
      else run.steps.push({ step, ms, code });
    }
  }

  async function callDependency<R>(dependency: Dependency, step: Step, call: () => Promise<R>): Promise<R> {
    try {
      const result = await retryTransient(() => {
        timeLeft();
        return call();
      });
      deps.status.saw(dependency, null);
      if (!unhealthy.has(dependency)) run.healthyDependencies.add(dependency);
      return result;
    } catch (error) {
      if (error instanceof ReservationNotDue) throw error;
      const failure = ProvisioningError.from(error);
      failure.step ??= step;
      run.outcomeUnknown ||= failure.outcomeUnknown && failure.dependency !== null;
      if (failure.dependency === dependency) {
        // A later or a parallel call may succeed. The dependency has failed one call of this run all the same.
        unhealthy.add(dependency);
        await noteFailure(deps, run, dependency, failure);
      }
      throw failure;
    }
  }
}

/** Tells status, circuit breaker and rate limiter about a failed call. */
async function noteFailure(
  { rateLimiter, status, circuits }: WorkerDependencies,
  run: Run,
  dependency: Dependency,
  failure: ProvisioningError,
): Promise<void> {
  run.healthyDependencies.delete(dependency);
  if (failure.code === 'hub-throttled' && failure.retryAfterMs !== null)
    await rateLimiter.delayAll(failure.retryAfterMs);
  status.saw(dependency, failure);
  await circuits[dependency].failed(failure);
}

/**
 * The registry operations of one run. The first one uses the run's reservation, and waits for a new one if there is none. Further
 * operations are charged to the rate limiter without waiting.
 */
function operationsOf({ rateLimiter, status }: WorkerDependencies, run: Run): () => Promise<void> {
  let hasUsedReservation = false;
  return async () => {
    if (hasUsedReservation) rateLimiter.charge();
    else await useReservation();
    hasUsedReservation = true;
    status.count('operations');
    productMetrics().operation();
  };

  async function useReservation(): Promise<void> {
    const wasReserved = run.reservation !== null;
    run.reservation ??= await rateLimiter.reserve();
    if ((await rateLimiter.waitFor(run.reservation)) !== null) throw new ReservationNotDue(run.reservation);
    // A reservation from before the run was marked as used when the run started.
    if (!wasReserved) rateLimiter.markUsed(run.reservation);
    run.reservation = null;
  }
}
