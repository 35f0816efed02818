import type { Circuit } from '../circuit.js';
import type { Clock } from '../clock.js';
import type { Balena } from '../edges/balena/Balena.js';
import type { Hub } from '../edges/hub/Hub.js';
import type { Queue } from '../edges/queue.js';
import type { Pace } from '../pace/Pace.js';
import type { Records } from '../records.js';
import type { Status } from '../status.js';
import type { Mint } from '../steps/mint.js';
import type { RetrySoon } from './retrySoon.js';
import type { ReconcileSettings } from './Work.js';

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
export interface Tools {
  records: Records;
  queue: Queue;
  hub: Hub;
  balena: Balena;
  pace: Pace;
  circuits: { hub: Circuit; balena: Circuit };
  status: Status;
  clock: Clock;
  mint: Mint;
  retrySoon: RetrySoon;
  settings: WorkerSettings;
  /** Names the process in leases. */
  instance: string;
  /** Between 0 and 1. */
  random: () => number;
}
