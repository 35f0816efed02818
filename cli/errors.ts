import { CommanderError } from 'commander';
import { ConfigError } from '../src/config/config.js';
import { RequestError } from '../src/ops/shared/request.js';
import { policyOf } from '../src/shared/errorPolicy.js';
import { ProvisioningError } from '../src/shared/errors.js';
import { oneLine } from '../src/shared/printable.js';
import { CliError, type ExitCode, exitCodes } from './exitCodes.js';

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
