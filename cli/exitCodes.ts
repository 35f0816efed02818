/** The exit codes of the process, for scripts. */
export const exitCodes = {
  ok: 0,
  problems: 1,
  wrongUsage: 2,
  notFound: 3,
  rejected: 4,
  unavailable: 5,
  interrupted: 130,
} as const;

/** An exit code of the process. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The exit codes, for `--help`. */
export const exitCodesHelp = `
Exit codes:
  0    success
  1    problems: a request failed, doctor found a fault, audit found a
       disagreement, or the command left some devices unchanged
  2    wrong usage, or a setting is missing or wrong
  3    the device, the fleet, the action or the dead letter does not exist
  4    rejected: the current state does not allow the request, or the operator
       did not confirm; the message says why
  5    the queue or the records cannot be reached; running the command again
       does no harm
  130  interrupted
`;

/** An error of the command line. The message names the reason and the next step, and contains no secrets. */
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
