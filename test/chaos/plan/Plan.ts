import type { Fault } from '../../../local/simulators/shared/faults.js';

/** The dependencies with faults. */
export type Side = 'hub' | 'balena';

/** The processes to kill. */
export type Victim = 'http' | 'worker 1' | 'worker 2' | 'broker' | 'tables' | Side;

/** A device of a run. */
export interface PlannedDevice {
  uuid: string;
  /** Whether balena knows the device. */
  exists: boolean;
}

/** The desired state: a service by name ('' for the device level), or removal. */
export type Wish =
  | { uuid: string; operation: 'provision'; service: string }
  | { uuid: string; operation: 'deprovision' };

/** An event of a run, `at` milliseconds after the start. */
export type PlannedEvent = { at: number } & (
  | { kind: 'ask'; wishes: Wish[] }
  /** These faults replace all earlier faults. An empty list ends all faults. */
  | { kind: 'faults'; side: Side; faults: Fault[] }
  /** SIGKILL, and a new start. */
  | { kind: 'kill'; victim: Victim; downMs: number }
  /** SIGTERM, as for a deployment, and a new start. */
  | { kind: 'stop'; victim: Victim; downMs: number }
  /** SIGKILL to the worker process of a host. The host goes on, and starts a new worker; the third time the host ends. */
  | { kind: 'crash'; victim: Victim }
  /** The drain of a host, then SIGTERM: a deployment, or a scale-in. */
  | { kind: 'drain'; victim: Victim; forMs: number; downMs: number }
  /** SIGSTOP to the worker process of a host, for longer than functionTimeout. The host ends a worker that has work at that time. */
  | { kind: 'hang'; victim: Victim }
  /** SIGSTOP, and SIGCONT. */
  | { kind: 'pause'; victim: Victim; forMs: number }
);

/** All events of a run: the same for the same seed, devices and length. */
export interface Plan {
  seed: number;
  lengthMs: number;
  devices: PlannedDevice[];
  /** In the order of their time. */
  events: PlannedEvent[];
}

export const services = ['cloud-relay', 'main'];
export const unknownService = 'no-such-service';
