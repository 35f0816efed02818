import type { DeviceRecord, StepResult } from '../device/record.js';
import { type Dependency, ProvisioningError, type Step } from '../shared/errors.js';
import { productMetrics } from '../telemetry/metrics.js';
import { openStepSpans } from '../telemetry/spans.js';
import type { Reservation } from '../throttling/rateLimiter.js';
import type { WorkerDependencies } from './dependencies.js';
import type { Work } from './work.js';

/** Ends a run that turns out to need a registry slot which is not near. */
export class ReservationNotDue extends Error {
  constructor(readonly reservation: Reservation) {
    super('the next registry slot is not near');
  }
}

/** A run under a lease, with the limits that the protocol sets to what it does outside. */
export interface Run extends Work {
  /** Names the lease: this run and no other. */
  readonly id: string;
  /** A write may still take effect. */
  outcomeUnknown: boolean;
  /** The dependencies that were asked, and have answered all that they were asked. */
  readonly healthyDependencies: Set<Dependency>;
  /** The reserved slot, until it is used. */
  reservation: Reservation | null;
  /** What each step came to, in their order. */
  readonly steps: StepResult[];
  /** It does nothing more. */
  over(error?: ProvisioningError): void;
}

/**
 * @param record as it was written with this run's lease
 * @param startedAt Unix ms, from before the lease was written
 */
export function startRun(
  deps: WorkerDependencies,
  record: DeviceRecord,
  id: string,
  startedAt: number,
  reservation: Reservation | null,
): Run {
  const { clock, rateLimiter, settings, circuits, status, retryTransient } = deps;
  const deadline = startedAt + settings.workLimitMs;
  const spans = openStepSpans();
  let paid = false;

  const run: Run = {
    id,
    uuid: record.uuid,
    desired: record.desired,
    scopes: record.scopes,
    forceVerify: record.job?.forceVerify ?? false,
    observed: structuredClone(record.observed),
    cleaned: new Set(),
    outcomeUnknown: false,
    healthyDependencies: new Set(),
    reservation,
    steps: [],
    over: (error) => spans.end(error),
    now: () => clock.now(),
    mint: () => traced('mint', () => deps.mint(record.uuid, clock.now())),
    settings,
    async remember(scopes) {
      const written = await retryTransient(() =>
        deps.records.amend(record.uuid, (found) =>
          found?.lease?.by === id ? { ...found, scopes: [...new Set([...found.scopes, ...scopes])] } : null,
        ),
      );
      if (!written)
        throw new ProvisioningError('timed-out', 'Another run has taken over.', { retry: 'later' });
      run.scopes = written.scopes;
    },
    balena: (step, call) => traced(step, () => outside('balena', step, () => call(deps.balena))),
    hub: (step, call) =>
      traced(step, () =>
        outside('hub', step, async () => {
          await pay();
          return call(deps.hub, left());
        }),
      ),
  };
  return run;

  /** How much of the work limit is left, ms. No call outside starts after it. */
  function left(): number {
    const ms = deadline - clock.now();
    if (ms > 0) return ms;
    throw new ProvisioningError('timed-out', `The work took longer than ${settings.workLimitMs / 1_000} s.`, {
      retry: 'later',
    });
  }

  /** The first operation uses the run's slot, and waits for one if it has none; further ones are charged to the pace. */
  async function pay(): Promise<void> {
    if (paid) {
      spent();
      return rateLimiter.charge();
    }
    const claimed = run.reservation !== null;
    run.reservation ??= await rateLimiter.reserve();
    if ((await rateLimiter.waitFor(run.reservation)) !== null) throw new ReservationNotDue(run.reservation);
    // What was claimed at the start was counted there.
    if (!claimed) rateLimiter.markUsed(run.reservation);
    run.reservation = null;
    paid = true;
    spent();
  }

  function spent(): void {
    status.count('operations');
    productMetrics().operation();
  }

  /** Several calls of one step count as one: their time is added, and the last failure stays. */
  async function traced<R>(step: Step, call: () => Promise<R>): Promise<R> {
    const startedAt = clock.now();
    let code: StepResult['code'] = null;
    try {
      return await spans.within(step, call);
    } catch (error) {
      if (!(error instanceof ReservationNotDue)) code = ProvisioningError.from(error).code;
      throw error;
    } finally {
      const ms = clock.now() - startedAt;
      const before = run.steps.find((trace) => trace.step === step);
      if (before) Object.assign(before, { ms: before.ms + ms, code: code ?? before.code });
      else run.steps.push({ step, ms, code });
    }
  }

  async function outside<R>(dependency: Dependency, step: Step, call: () => Promise<R>): Promise<R> {
    try {
      const result = await retryTransient(() => {
        left();
        return call();
      });
      status.saw(dependency, null);
      run.healthyDependencies.add(dependency);
      return result;
    } catch (error) {
      if (error instanceof ReservationNotDue) throw error;
      const mapped = ProvisioningError.from(error);
      mapped.step ??= step;
      run.outcomeUnknown ||= mapped.outcomeUnknown && mapped.dependency !== undefined;
      if (mapped.dependency === dependency) {
        run.healthyDependencies.delete(dependency);
        if (mapped.code === 'hub-throttled' && typeof mapped.retry === 'object')
          await rateLimiter.delayAll(mapped.retry.afterMs);
        status.saw(dependency, mapped);
        await circuits[dependency].failed(mapped);
      }
      throw mapped;
    }
  }
}
