import { CommanderError } from 'commander';
import { ConfigError } from '../src/config/config.js';
import { RequestError } from '../src/ops/shared/request.js';
import { ProvisioningError } from '../src/shared/errors.js';
import { CliError } from './CliError.js';
import { type ExitCode, exitCodes } from './exitCodes.js';

/** What is said of an error, and how the process ends. */
export interface Ending {
  code: string;
  message: string;
  exitCode: ExitCode;
}

/**
 * Any error as what may be shown of it: errors that are not our own can carry keys and requests, and only their kind is.
 *
 * @param local whether it is the system of npm start
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
    const exitCode = { 400: exitCodes.wrongUsage, 404: exitCodes.notFound, 409: exitCodes.refused }[
      error.status
    ];
    return { code: error.code, message: error.message, exitCode };
  }
  const { code, message } = ProvisioningError.from(error);
  const unavailable = code === 'queue-unavailable' || code === 'records-unavailable';
  const hint = local
    ? 'Is npm start running? If it is, provisioner doctor says more.'
    : 'provisioner doctor says what is wrong.';
  return {
    code,
    message: unavailable ? `${message} ${hint}` : message,
    exitCode: unavailable ? exitCodes.unavailable : exitCodes.notWell,
  };
}
