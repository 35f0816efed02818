import { CommanderError } from 'commander';
import { ConfigError } from '../src/config/config.js';
import { RequestError } from '../src/ops/requestError.js';
import { ProvisioningError } from '../src/shared/errors.js';

/** What a script can tell from. */
export const exitCodes = {
  ok: 0,
  notWell: 1,
  wrongUsage: 2,
  notFound: 3,
  refused: 4,
  unavailable: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodesHelp = `
Exit codes:
  0    done, and well
  1    not well: something failed, doctor found a fault, audit a disagreement,
       or devices were left alone
  2    wrong usage, or settings that are missing or wrong
  3    there is no such device, action or dead letter
  4    refused: it cannot be done as things are; the message says why
  5    the queue or the records cannot be reached; asking again is harmless
  130  interrupted
`;

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
