import type { Sight } from '../balena/sight.js';
import type { BalenaClient } from '../balena/types.js';
import type { Ca } from '../certificates/ca/ca.js';
import type { Mint } from '../certificates/mint.js';
import type { Records } from '../device/repository.js';
import type { Status } from '../health/status.js';
import type { HubRegistry } from '../iothub/types.js';
import type { Queue } from '../queue/queue.js';
import type { RetryTransient } from '../shared/retry.js';
import type { Clock, EpochMs } from '../shared/time.js';
import type { BalenaLimit } from '../throttling/balenaLimit.js';
import type { Circuits } from '../throttling/circuitBreaker.js';
import type { RateLimiter } from '../throttling/rateLimiter.js';
import type { ReconcileSettings } from './steps/work.js';

/** The settings of a worker. */
export interface WorkerSettings extends ReconcileSettings {
  /** W of the protocol: after this time a run starts no call to another system, except a ping. */
  workLimitMs: number;
  /** G of the protocol: the time after W in which a call may still take effect. */
  leaseGraceMs: number;
  /** L of the protocol: the duration of a lease, at most W; default: 20 s. */
  leaseMs?: number;
  /** The number of failed attempts after which a request fails for good. */
  maxAttempts: number;
  /** The longest time for which an issued certificate stays valid after the hub has accepted an own one, ms; default: a week. */
  keepIssuedMs?: number;
  /** The host name of the hub; default: unknown. */
  hubHost?: string | null;
  /** The longest wait between two runs; default: an hour. */
  longestBackOffMs?: number;
}

/** Everything that a worker uses. */
export interface WorkerDependencies {
  records: Records;
  queue: Queue;
  hub: HubRegistry;
  balena: BalenaClient;
  rateLimiter: RateLimiter;
  balenaLimit: BalenaLimit;
  sight: Sight;
  circuits: Circuits;
  status: Status;
  clock: Clock;
  mint: Mint;
  ca: Ca;
  retryTransient: RetryTransient;
  settings: WorkerSettings;
  /** The name of this process in leases. */
  instance: string;
  /** Returns numbers from 0 to 1. */
  random: () => number;
}

/** One delivery of a message to a worker. */
export interface Delivery {
  sequenceNumber: string;
  /** The time at which the message became active, by the broker's clock. */
  enqueuedAt: EpochMs;
  /**
   * Moves the message to the dead-letter queue.
   *
   * @throws Error if the host cannot settle the message now. The worker then throws, and the redelivery settles the message
   */
  deadLetter(reason: string, description: string): Promise<void>;
  log(line: string): void;
}
