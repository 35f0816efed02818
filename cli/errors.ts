import { CommanderError } from 'commander';
import { ConfigError } from '../src/config/config.js';
import { RequestError } from '../src/ops/shared/request.js';
import { policyOf } from '../src/shared/errorPolicy.js';
import { ProvisioningError } from '../src/shared/errors.js';
import { oneLine } from '../src/shared/printable.js';

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
  3    the device, the action or the dead letter does not exist
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

/** The output for an error, and the exit code of the process. */
export interface Ending {
  code: string;
  message: string;
  exitCode: ExitCode;
}

/**
 * Turns any error into a message without secrets. Errors of other libraries can carry keys and request bodies, so the message names only
 * the class of such an error.
 *
 * @param local true for the system of `npm start`
 */
export function describeError(error: unknown, local = false): Ending {
  if (error instanceof CliError)
    return { code: error.code, message: error.message, exitCode: error.exitCode };
  if (error instanceof CommanderError)
    return {
      code: 'usage',
      message: error.message.replace(/^error: /, ''),
      exitCode: error.exitCode === 0 ? exitCodes.ok : exitCodes.wrongUsage,
    };
  if (error instanceof ConfigError)
    return { code: 'settings', message: error.message, exitCode: exitCodes.wrongUsage };
  if (error instanceof RequestError) {
    const exitCode = { 400: exitCodes.wrongUsage, 404: exitCodes.notFound, 409: exitCodes.rejected }[
      error.status
    ];
    return { code: error.code, message: oneLine(error.message), exitCode };
  }
  const { code, message } = ProvisioningError.from(error);
  const unavailable = policyOf(code).fault === 'storage';
  const hint = local
    ? 'Is npm start running? If yes, run provisioner doctor to find the fault.'
    : 'Run provisioner doctor to find the fault.';
  return {
    code,
    message: oneLine(unavailable ? `${message} ${hint}` : message),
    exitCode: unavailable ? exitCodes.unavailable : exitCodes.problems,
  };
}
