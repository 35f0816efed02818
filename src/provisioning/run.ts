import { withFleet } from '../balena/errors.js';
import type { DeviceRecord, KeyHistory, KeyToSign, OwnCertificate, StepResult } from '../device/record.js';
import { heldPlace } from '../device/refusal.js';
import { onlyLooks, pendingWork } from '../device/state.js';
import { leaseRenewed, scopesFound, signed } from '../device/transitions.js';
import { type Dependency, ProvisioningError, type Step } from '../shared/errors.js';
import type { Clock, EpochMs } from '../shared/time.js';
import { productMetrics } from '../telemetry/metrics.js';
import { openStepSpans } from '../telemetry/spans.js';
import type { CircuitUser } from '../throttling/circuitBreaker.js';
import { keptPlace, type Reservation } from '../throttling/rateLimiter.js';
import { callTwice, hubCallLimit } from './callTwice.js';
import type { WorkerDependencies, WorkerSettings } from './dependencies.js';
import { openPings } from './ping.js';
import { claimOf } from './reserve.js';
import type { Work } from './steps/work.js';

/** Ends a run that needs a registry operation whose time is not near. */
export class ReservationNotDue extends Error {
  /** @param due the moment at which the work should look again */
  constructor(
    readonly reservation: Reservation,
    readonly due: EpochMs,
  ) {
    super('the reserved registry operation is not due yet');
  }
}

/** Ends a run that needs a registry operation while the circuit of the hub is open. The run was admitted for its look-up only. */
export class HubCircuitOpen extends Error {
  /** @param until the time of the next attempt */
  constructor(readonly until: EpochMs) {
    super('the circuit of the hub is open');
  }
}

/** Whether the error ends a run that has to wait, and has not failed. */
const isWait = (error: unknown) => error instanceof ReservationNotDue || error instanceof HubCircuitOpen;

/** A run under a lease, with the limits that the protocol sets for calls to other systems. */
export interface Run extends Work {
  /** The id of the run, as in the lease. */
  readonly id: string;
  /** One of the run's writes may still take effect. */
  outcomeUnknown: boolean;
  /**
   * The dependencies that the run has used, and that worked in every call. A call that succeeded after a retry has worked. So has a call
   * whose error is the fault of the device or its fleet.
   */
  readonly healthyDependencies: Set<Dependency>;
  /** False if a call has failed, and the failure is not known to be the fault of the device. */
  blamesDevice: boolean;
  /** The reserved operation; null once the run has used the reservation. */
  reservation: Reservation | null;
  /** The place that the work keeps if the run fails; null if the run needed no registry operation. */
  place: Reservation | null;
  readonly steps: StepResult[];
  /** The record as it was written with the lease, or with the certificate that the CA has signed. */
  leased: DeviceRecord;
  /** Ends the run's spans. */
  end(error?: ProvisioningError): void;
}

const usualLeaseMs = 20_000;
/** A run waits in memory if balena asks for a wait of at most this time. */
const longestPauseMs = 5_000;

/** The duration of a lease. A run that lasts longer renews its lease, so the next run need not wait long for a worker that has died. */
export function leaseMs({ leaseMs: given = usualLeaseMs, workLimitMs }: WorkerSettings): number {
  return Math.min(given, workLimitMs);
}

/**
 * Starts a run. Every call of the run is limited by the work limit, and every failure is counted for the circuit.
 *
 * @param record the record with this run's lease
 * @param options `startedAt`: a time before the lease was written; `reservation`: an operation that an earlier run
 * of the same work has reserved, and that is due; null if there is none; `verifiesHub`: the run asks the hub instead of trusting the record
 */
export function startRun(
  deps: WorkerDependencies,
  record: DeviceRecord,
  {
    id,
    startedAt,
    reservation,
    verifiesHub = false,
  }: { id: string; startedAt: EpochMs; reservation: Reservation | null; verifiesHub?: boolean },
): Run {
  const { clock, settings, retryTransient } = deps;
  const deadline = startedAt + settings.workLimitMs;
  const { steps, timed, end } = openStepTimer(clock);
  let leaseUntil = startedAt + leaseMs(settings);

  const run: Run = {
    id,
    uuid: record.uuid,
    desired: record.desired,
    scopes: record.scopes,
    forceVerify: verifiesHub || (pendingWork(record)?.forceVerify ?? false),
    isRetry: record.retries > 0,
    // A check that follows this run keeps its notice for itself.
    notice: record.check?.again ? null : (record.check?.notice ?? null),
    looksOnly: onlyLooks(record),
    observed: structuredClone(record.observed),
    clearedScopes: new Set(),
    validated: false,
    outcomeUnknown: false,
    healthyDependencies: new Set(),
    blamesDevice: true,
    reservation,
    place: reservation && keptPlace(reservation),
    steps,
    leased: record,
    end,
    now: () => clock.now(),
    awaitOperation: () => operations.wait(),
    mint: () => timed('mint', () => deps.mint(record.uuid, clock.now())),
    sign: (own) => timed('sign', () => sign(own)),
    settings,
    sight: deps.sight,
    async recordScopes(scopes) {
      const written = await retryTransient(() =>
        deps.records.amend(record.uuid, (found) =>
          found?.lease?.by === id ? scopesFound(found, scopes) : null,
        ),
      );
      if (!written) throw taken();
      run.scopes = written.scopes;
    },
    balena: (step, call) => timed(step, () => callDependency('balena', step, () => call(deps.balena))),
    hub: (step, call) =>
      timed(step, () =>
        callDependency('hub', step, async (isRepeated) => {
          await operations.count();
          await holdLease();
          const ms = Math.min(timeLeft(), hubCallLimit(settings.workLimitMs, isRepeated));
          const begun = clock.now();
          try {
            const answer = await call(deps.hub, ms);
            run.observed.hubSeenAt = clock.now();
            return answer;
          } finally {
            deps.status.count('hubMs', clock.now() - begun);
          }
        }),
      ),
  };
  const unhealthy = new Set<Dependency>();
  const user: CircuitUser = { id, uuid: record.uuid, isSuspect: record.attempts > 0 };
  const operations = openOperations(deps, run, user);
  const pings = openPings(deps);
  return run;

  /** The record has the certificate before anything else hears of it. A process that dies before leaves a key that is signed again. */
  async function sign(own: KeyToSign & KeyHistory): Promise<OwnCertificate> {
    await holdLease();
    const ms = timeLeft();
    const certificate = await reported(() => deps.ca.sign(record.uuid, own, ms));
    const written = await retryTransient(() =>
      deps.records.amend(record.uuid, (found) =>
        found?.lease?.by === id ? signed(found, certificate, own.before) : null,
      ),
    );
    if (!written) throw replaced();
    run.leased = written;
    return certificate;
  }

  /** Reports the outcome of a call to the CA to the status. */
  async function reported<R>(call: () => Promise<R>): Promise<R> {
    try {
      const result = await call();
      deps.status.noteCall('ca', null);
      return result;
    } catch (error) {
      deps.status.noteCall('ca', ProvisioningError.from(error));
      throw error;
    }
  }

  /** Renews the lease in its second half. @throws ProvisioningError `timed-out` if another run has taken the device */
  async function holdLease(): Promise<void> {
    const now = clock.now();
    if (leaseUntil - now > leaseMs(settings) / 2) return;
    const until = now + leaseMs(settings);
    const written = await deps.records.amend(record.uuid, (found) =>
      found?.lease?.by === id ? leaseRenewed(found, until) : null,
    );
    if (!written) throw taken();
    leaseUntil = until;
  }

  /** The rest of the work limit, ms. @throws ProvisioningError `timed-out` after the limit or the lease, so that no call starts then */
  function timeLeft(): number {
    const now = clock.now();
    const ms = deadline - now;
    if (now >= leaseUntil) throw taken();
    if (ms > 0) return ms;
    throw new ProvisioningError('timed-out', `The work took longer than ${settings.workLimitMs / 1_000} s.`);
  }

  /** Waits if balena has asked for a short wait. The client refuses a request during a longer wait. */
  async function waitOutPause(): Promise<void> {
    const ms = await deps.balenaLimit.pauseMs();
    if (ms > 0 && ms <= longestPauseMs) await clock.sleep(ms);
  }

  /** Makes a call within the work limit, and reports the outcome. A transient failure is repeated. */
  async function callDependency<R>(
    dependency: Dependency,
    step: Step,
    call: (isRepeated: boolean) => Promise<R>,
  ): Promise<R> {
    try {
      const result = await retryTransient(async () => {
        if (dependency === 'balena') await waitOutPause();
        await holdLease();
        timeLeft();
        return callTwice(dependency, call, async (lost) => {
          run.outcomeUnknown ||= lost.outcomeUnknown;
          await holdLease();
          timeLeft();
        });
      });
      noteWorking(dependency);
      return result;
    } catch (error) {
      if (isWait(error)) throw error;
      const failure = withFleet(ProvisioningError.from(error), run.observed.fleet);
      failure.step ??= step;
      run.outcomeUnknown ||= failure.outcomeUnknown && failure.dependency !== null;
      if (failure.dependency === dependency) await noteFailure(dependency, failure);
      throw failure;
    }
  }

  function noteWorking(dependency: Dependency): void {
    deps.status.noteCall(dependency, null);
    if (!unhealthy.has(dependency)) run.healthyDependencies.add(dependency);
  }

  /** Reports a failed call to status, circuit breaker and rate limiter. */
  async function noteFailure(dependency: Dependency, failure: ProvisioningError): Promise<void> {
    const { fault } = failure.policy;
    if (fault === 'device' || fault === 'fleet') return noteWorking(dependency);
    // A later or a parallel call may succeed, but must not make the dependency healthy again.
    unhealthy.add(dependency);
    run.healthyDependencies.delete(dependency);
    if (failure.code === 'hub-throttled' && failure.retryAfterMs !== null)
      await deps.rateLimiter.delayAll(failure.retryAfterMs);
    deps.status.noteCall(dependency, failure);
    const isAlone = await deps.circuits[dependency].failed(failure, user, pings[dependency]);
    run.blamesDevice &&= isAlone;
  }
}

function taken(): ProvisioningError {
  return new ProvisioningError('timed-out', 'Another run has taken the device.');
}

function replaced(): ProvisioningError {
  return new ProvisioningError(
    'timed-out',
    'Another request or another run has taken the place of this one.',
  );
}

/** Measures the steps of a run, and opens a span for each step. */
function openStepTimer(clock: Clock) {
  const spans = openStepSpans();
  const steps: StepResult[] = [];

  /** Measures a call. Several calls of one step are one entry of `steps`, with the sum of the times and the last error. */
  async function timed<R>(step: Step, call: () => Promise<R>): Promise<R> {
    const begun = clock.now();
    let code: StepResult['code'] = null;
    try {
      return await spans.within(step, call);
    } catch (error) {
      if (!isWait(error)) code = ProvisioningError.from(error).code;
      throw error;
    } finally {
      const ms = clock.now() - begun;
      const index = steps.findIndex((result) => result.step === step);
      const before = steps[index];
      if (before) steps[index] = { step, ms: before.ms + ms, code: code ?? before.code };
      else steps.push({ step, ms, code });
    }
  }

  return { steps, timed, end: (error?: ProvisioningError) => spans.end(error) };
}

/** The registry operations of a run. */
function openOperations({ rateLimiter, circuits, status }: WorkerDependencies, run: Run, user: CircuitUser) {
  let isDue = false;
  let hasUsedReservation = false;

  /**
   * Reserves an operation, unless the run has a reservation, and waits for it.
   *
   * @throws ReservationNotDue if the time of the operation is not near; HubCircuitOpen
   */
  async function wait(): Promise<void> {
    if (isDue) return;
    // Work that was not looked up before is admitted by balena's circuit alone.
    const openUntil = await circuits.hub.admit(user);
    if (openUntil !== null) throw new HubCircuitOpen(openUntil);
    const claim = claimOf(run.leased, run.observed.fleet);
    // balena has shown by now that the request is valid, so the request takes over the place of the request before.
    const held = claim.isUrgent ? undefined : heldPlace(run.leased);
    run.reservation ??= held ?? (await rateLimiter.reserve(claim));
    run.place = keptPlace(run.reservation);
    const due = await rateLimiter.waitFor(run.reservation);
    if (due !== null) throw new ReservationNotDue(run.reservation, due);
    isDue = true;
  }

  return {
    wait,
    /** Counts an operation. The first uses the reservation. Each further operation is charged to the rate limiter without waiting. */
    async count(): Promise<void> {
      if (hasUsedReservation) rateLimiter.charge();
      else await wait();
      if (run.reservation) rateLimiter.markUsed(run.reservation);
      hasUsedReservation = true;
      run.reservation = null;
      status.count('operations');
      productMetrics().operationSent();
    },
  };
}
