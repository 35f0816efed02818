import type { ExitCode } from './exitCodes.js';

/** A reason to end. The message is one sentence (or some) with what to do, and safe to show. */
export class CliError extends Error {
  constructor(
    readonly code: string,
    readonly exitCode: ExitCode,
    message: string,
  ) {
    super(message);
    this.name = 'CliError';
  }
}
