import type { Config } from '../../src/config/config.js';
import type { OpsApp } from '../../src/openOpsApp.js';
import type { ExitCode } from '../errors.js';
import type { AuditDependencies } from '../fleet/audit.js';
import type { System } from './findSystem.js';

/** What a command works with. */
export interface Session {
  /** Is the answer to be JSON, and nothing else? */
  json: boolean;
  /** How wide a line may be; without limit where nobody looks. */
  width: number;
  /** The system that is talked to; named on stderr when it is asked for first. @throws ConfigError */
  system(): Promise<System>;
  /** Queue and records of that system. @throws ConfigError */
  app(): Promise<OpsApp>;
  /** What work on whole fleets needs as well: balena and the hub. @throws ConfigError */
  fleetApp(): Promise<FleetApp>;
  /** Prints the answer: this as JSON, or for people as text. */
  answer(value: object, text: () => string): void;
  /** Tells people how it goes, on stderr; nothing with --json. */
  tell(line: string): void;
  /**
   * To be called before anything else by a command that asks: it is agreed to, or somebody can be asked.
   *
   * @param yes it was agreed to on the command line
   * @throws CliError
   */
  expectAnswer(yes: boolean): void;
  /** Has people agree to what will happen. @returns false if they do not */
  confirm(what: string, yes: boolean): Promise<boolean>;
  /** How Ctrl-C ends from here on, and what is said then. */
  whenStopped(ending: { code: ExitCode; say: string }): void;
  /** From here on, the first Ctrl-C aborts this signal, and the command ends itself; the second ends it at once. */
  stopGently(): AbortSignal;
  /** To do at the end, whichever it is. */
  atEnd(run: () => void): void;
}

/** Queue, records, balena and hub. */
export interface FleetApp extends AuditDependencies, OpsApp {
  config: Config;
}

/** The options of every command. */
export interface GlobalOptions {
  json?: boolean;
  folder?: string;
}
