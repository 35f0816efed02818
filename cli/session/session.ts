import type { Config } from '../../src/config/config.js';
import type { OpsApp } from '../../src/openOpsApp.js';
import type { ExitCode } from '../exitCodes.js';
import type { AuditDependencies } from '../fleet/audit.js';
import type { System } from './findSystem.js';

/** The connections, the terminal and the signals of one run of a command. */
export interface Session {
  /** True if stdout must contain one JSON document and nothing else. */
  json: boolean;
  /** The longest line of the output, in characters; infinite if stdout is not a terminal. */
  width: number;
  /** The system to connect to. The first call prints the system's name on stderr. @throws ConfigError */
  system(): Promise<System>;
  /** Connects to the queue and the records. @throws ConfigError */
  app(): Promise<OpsApp>;
  /** Connects to queue, records, balena and IoT Hub, for work on whole fleets. @throws ConfigError */
  fleetApp(): Promise<FleetApp>;
  /**
   * Prints the result on stdout: `value` with --json, otherwise the text.
   *
   * @param text makes the text from the value, whose texts are safe for a terminal (`printable`)
   */
  printResult<T extends object>(value: T, text: (shown: T) => string): void;
  /** Prints progress on stderr; with --json nothing is printed. Names from outside must be `printable` before they are formatted. */
  info(line: string): void;
  /**
   * Checks in advance whether `confirm` can work: either --yes was given, or a terminal is there for the question.
   * A command with a confirmation calls this first, before any other work.
   *
   * @param yes true if --yes was given
   * @throws CliError `not-confirmed`
   */
  requireConfirmable(yes: boolean): void;
  /** Asks the operator whether to continue. @param yes true if --yes was given @returns the operator's decision */
  confirm(question: string, yes: boolean): Promise<boolean>;
  /** Sets the exit code and the message for Ctrl-C from now on. */
  onInterrupt(ending: { code: ExitCode; message: string }): void;
  /** From now on the first Ctrl-C aborts this signal, and the command finishes cleanly. A second Ctrl-C ends the process at once. */
  interruptSignal(): AbortSignal;
  /** Registers a function to run at the end of the session, after success, failure or Ctrl-C. */
  onClose(run: () => void): void;
}

/** Queue, records, balena and IoT Hub. */
export interface FleetApp extends AuditDependencies, Omit<OpsApp, 'balena'> {
  config: Config;
}

/** The options of every command. */
export interface GlobalOptions {
  json?: boolean;
  folder?: string;
}
