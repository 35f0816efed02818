import type { Fault } from '../../../local/simulators/shared/faults.js';

/** The sides that are told to answer wrongly. */
export type Side = 'hub' | 'balena';

/** The processes that are killed. */
export type Victim = 'http' | 'worker 1' | 'worker 2' | 'broker' | 'tables' | Side;

/** A device of a run. */
export interface PlannedDevice {
  uuid: string;
  /** Does balena know it? */
  exists: boolean;
}

/** What is asked for: a service by its name ('' for the device level), or that the device is removed. */
export type Wish =
  | { uuid: string; operation: 'provision'; service: string }
  | { uuid: string; operation: 'deprovision' };

/** What happens in a run, `at` so many milliseconds after its start. */
export type PlannedEvent = { at: number } & (
  | { kind: 'ask'; wishes: Wish[] }
  /** These in place of all others; an empty list ends them. */
  | { kind: 'faults'; side: Side; faults: Fault[] }
  /** SIGKILL, and a new start. */
  | { kind: 'kill'; victim: Victim; downMs: number }
  /** SIGTERM, as for a deployment, and a new start. */
  | { kind: 'stop'; victim: Victim; downMs: number }
  /** SIGSTOP, and SIGCONT. */
  | { kind: 'pause'; victim: Victim; forMs: number }
);

/** All that will happen: the same for the same seed, devices and length. */
export interface Plan {
  seed: number;
  lengthMs: number;
  devices: PlannedDevice[];
  /** In the order of their time. */
  events: PlannedEvent[];
}

export const services = ['cloud-relay', 'main'];
export const unknownService = 'no-such-service';
