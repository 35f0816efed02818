import type { Command } from 'commander';
import type { ExitCode } from '../errors.js';
import type { GlobalOptions, Session } from '../session/session.js';

/** What a command does. @returns the exit code; nothing is 0 */
export type Work<O, A extends unknown[]> = (
  session: Session,
  options: O,
  ...args: A
) => Promise<ExitCode | undefined>;

/** Makes the action of a command: what it does, in a session. */
export type Action = <O extends object, A extends unknown[]>(
  work: Work<O, A>,
) => (...args: unknown[]) => Promise<void>;

/** Adds a command; each is in a file of its own. */
export type AddCommand = (parent: Command, action: Action) => void;

/** Opens a session, has the work done, and ends it. */
export type RunInSession = (
  options: GlobalOptions,
  work: (session: Session) => Promise<ExitCode | undefined>,
) => Promise<void>;
