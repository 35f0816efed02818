import type { Queue } from '../queue/queue.js';
import { type Dependency, ProvisioningError } from '../shared/errors.js';
import type { Clock, EpochMs } from '../shared/time.js';
import type { AllTimerRuns } from '../storage/timerRuns.js';
import type { CircuitBreaker, CircuitRow } from '../throttling/circuitBreaker.js';
import type { RateLimiter } from '../throttling/rateLimiter.js';
import type { Status, StatusRow } from './status.js';
import { readTimerFacts, type TimerFact } from './timers.js';
import { readWorkerFacts, type WorkerFacts, type WorkerHealthDependencies } from './worker.js';

/** Everything that the facts about the system need. */
export interface HealthDependencies extends WorkerHealthDependencies {
  queue: Queue;
  status: Status;
  circuits: Record<Dependency, CircuitBreaker>;
  timerRuns: AllTimerRuns;
  rateLimiter: RateLimiter;
  /** The limit of registry operations a minute, by the settings. */
  operationsPerMinute: number;
  caLife: CaLife | null;
  clock: Clock;
}

/** The life of the CA's own certificate. */
export interface CaLife {
  notAfter: EpochMs;
  /** From this time on, new certificates are shorter than CERT_DAYS, because none outlives the CA. */
  shortensAt: EpochMs;
}

/** What is known about the parts of the system. No fact is about a single device. */
export interface HealthFacts {
  at: EpochMs;
  /** The wrong and the missing settings, each with its reason. With such settings, no other fact is known. */
  wrongSettings: string[];
  /** Why the queue does not answer; null if the queue answers. */
  queueError: string | null;
  /** Why the records do not answer; null if the records answer. */
  recordsError: string | null;
  /** The last report of the workers; null if there is none, or without the records. */
  row: StatusRow | null;
  worker: WorkerFacts;
  /** Null without the records. */
  timers: TimerFact[] | null;
  /** Null without the records. */
  circuits: Record<Dependency, CircuitRow | null>;
  /** No registry operation begins before this time, because the hub has asked us to wait. */
  hubPausedUntil: EpochMs;
  /** The limit of registry operations a minute, by the settings. */
  operationsPerMinute: number;
  /** Null without a CA in Key Vault. */
  caLife: CaLife | null;
}

/** Without the records, the list of samples would keep the caller waiting for half a minute. */
const noSamples: HealthDependencies['samples'] = { since: async () => [] };

/**
 * Reads the facts about the parts of the system. Queue and records are tried now. The facts about balena and the hub are the last
 * observations of the workers, because this process may never send requests to either. Never throws.
 */
export async function readHealthFacts(deps: HealthDependencies): Promise<HealthFacts> {
  const { queue, status, circuits, timerRuns, rateLimiter, operationsPerMinute, caLife, clock } = deps;
  let row: StatusRow | null = null;
  const [queueError, recordsError] = await Promise.all([
    errorOf(() => queue.ping()),
    errorOf(async () => {
      row = await status.read();
    }),
  ]);
  const circuit = (name: Dependency) => circuits[name].read().catch(() => null);
  const [worker, timers, balena, hub, hubPausedUntil] = await Promise.all([
    readWorkerFacts(recordsError === null ? deps : { ...deps, samples: noSamples }, row),
    readTimerFacts(timerRuns),
    circuit('balena'),
    circuit('hub'),
    rateLimiter.pausedUntil().catch(() => 0),
  ]);
  return {
    at: clock.now(),
    wrongSettings: [],
    queueError,
    recordsError,
    row,
    worker,
    timers,
    circuits: { balena, hub },
    hubPausedUntil,
    operationsPerMinute,
    caLife,
  };
}

/** The facts about an app that cannot start because of its settings. @param wrongSettings each with its reason */
export function factsOfWrongSettings(wrongSettings: string[], at: EpochMs): HealthFacts {
  return {
    at,
    wrongSettings,
    queueError: null,
    recordsError: null,
    row: null,
    worker: { isDisabled: false, waiting: null, messages: null, silentSince: null },
    timers: null,
    circuits: { balena: null, hub: null },
    hubPausedUntil: 0,
    operationsPerMinute: 0,
    caLife: null,
  };
}

async function errorOf(request: () => Promise<unknown>): Promise<string | null> {
  try {
    await request();
    return null;
  } catch (error) {
    return ProvisioningError.from(error).message;
  }
}
