import type { App } from '../../../../src/openApp.js';
import type { ErrorCode } from '../../../../src/shared/errorPolicy.js';
import type { Outcome } from '../../../support/runWith.js';
import type { System } from '../useSystem.js';

/** A drill: a failure with one code on a running system, and the advice for that code, followed to the letter. */
export interface Drill {
  /** Drills that disturb all devices run one after the other. The others run at the same time, each with a fleet of its own. */
  disturbs: 'all' | 'own';
  /** Causes the failure, and ends when the product shows the code. */
  cause(tools: DrillTools): Promise<void>;
  /** What the operator repairs outside of the product, such as a right in balena. The faults of the simulators are gone by then. */
  repair?(tools: DrillTools): Promise<void>;
  /** Follows the advice, and ends when the devices are healthy. */
  follow(tools: DrillTools): Promise<void>;
}

/** A code whose failure another test causes. */
export interface DrilledElsewhere {
  /** The path of the test. */
  test: string;
  /** Why the failure is not caused beside the others. */
  reason: string;
}

/** What a drill works with. */
export interface DrillTools {
  code: ErrorCode;
  system: System;
  app: App;
  /** The fleet of the drill, with the services main and cloud-relay. */
  fleet: string;
  /** Adds devices to the fleet. @returns the UUIDs */
  newDevices(count: number): Promise<string[]>;
  newDevice(): Promise<string>;
  /** A new device of the fleet, provisioned at the service main. */
  provisioned(): Promise<string>;
  /** Waits until the request of a device has failed for good with the code, and the CLI shows the advice for the code. */
  fails(uuid: string): Promise<void>;
  /** Waits until a run of the device has ended with the code. */
  isTriedAgain(uuid: string): Promise<void>;
  /** Waits until the device is provisioned, with a pair that the hub accepts. */
  isHealthy(uuid: string): Promise<void>;
  /** Waits until health names the code. */
  isInHealth(): Promise<void>;
  /** Waits until no dead letter of the fleet waits for an operator. */
  hasNoDeadLetters(): Promise<void>;
  /**
   * Runs a command of the advice for the code.
   *
   * @param part the part of the command by which the command is found in the advice
   * @param values for `<slug>`, `<uuid>` and `<name>`; the slug is always known
   */
  follow(part: string, values?: Record<string, string>): Promise<Outcome>;
  /** Runs `provisioner doctor`, which must find a fault that names this text. */
  doctorNames(text: string): Promise<void>;
}
