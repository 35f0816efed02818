import type { BalenaClient } from '../balena/types.js';
import type { Mint } from '../certificates/mint.js';
import type { Records } from '../device/repository.js';
import type { Status } from '../health/status.js';
import type { HubRegistry } from '../iothub/types.js';
import type { Queue } from '../queue/queue.js';
import type { RetryTransient } from '../shared/retry.js';
import type { Clock } from '../shared/time.js';
import type { CircuitBreaker } from '../throttling/circuitBreaker.js';
import type { RateLimiter } from '../throttling/rateLimiter.js';
import type { ReconcileSettings } from './work.js';

export interface WorkerSettings extends ReconcileSettings {
  /** W of the protocol: no call outside starts later than this into a run. */
  workLimitMs: number;
  /** G of the protocol: how long after W a call may still take effect. */
  leaseGraceMs: number;
  /** Attempts after which a request fails for good. */
  maxAttempts: number;
  /** The longest that a failed run is put off by; default: an hour. */
  longestBackOffMs?: number;
}

/** What a worker works with. */
export interface WorkerDependencies {
  records: Records;
  queue: Queue;
  hub: HubRegistry;
  balena: BalenaClient;
  rateLimiter: RateLimiter;
  circuits: { hub: CircuitBreaker; balena: CircuitBreaker };
  status: Status;
  clock: Clock;
  mint: Mint;
  retryTransient: RetryTransient;
  settings: WorkerSettings;
  /** Names the process in leases. */
  instance: string;
  /** Between 0 and 1. */
  random: () => number;
}
