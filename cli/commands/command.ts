import type { Command } from 'commander';
import type { ExitCode } from '../exitCodes.js';
import type { GlobalOptions, Session } from '../session/session.js';

/**
 * The work of one command.
 *
 * @param options the parsed options, with the global options
 * @param args the parsed arguments, in the order of the command's declaration
 * @returns the exit code; undefined means 0
 */
export type Work<O, A extends unknown[]> = (
  session: Session,
  options: O,
  ...args: A
) => Promise<ExitCode | undefined>;

/** Wraps the work of a command into a Commander action: the work runs in a new session. */
export type Action = <O extends object, A extends unknown[]>(
  work: Work<O, A>,
) => (...args: unknown[]) => Promise<void>;

/** Adds one command to its parent. Each command has its own file. */
export type AddCommand = (parent: Command, action: Action) => void;

/** Opens a session, runs the work and closes the session. */
export type RunInSession = (
  options: GlobalOptions,
  work: (session: Session) => Promise<ExitCode | undefined>,
) => Promise<void>;
