import { styleText } from 'node:util';
import { CommanderError } from 'commander';
import { jsonText, terminalText } from '../src/shared/printable.js';
import type { RunInSession } from './commands/command.js';
import { createProgram } from './createProgram.js';
import { type ExitCode, exitCodes } from './exitCodes.js';

/** Connections may stay open after the command. After this time the process exits nevertheless. */
const lingerMs = 500;

/**
 * Runs one command line to its end, and sets the exit code of the process.
 *
 * @param args the arguments without the names of program and script
 */
export async function run(args: string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader has closed the pipe, as in: provisioner list | head
    if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  });
  process.exitCode = await runCommand(args);
  // The timer starts after the last output was written, because a pipe may be slow.
  process.stdout.write('', () => setTimeout(() => process.exit(), lingerMs).unref());
}

async function runCommand(args: string[]): Promise<ExitCode> {
  let json = args.includes('--json');
  let isLocal = () => false;
  let exitCode: ExitCode = exitCodes.ok;
  const runInSession: RunInSession = async (options, work) => {
    // The import is here, because help and usage errors do not need this module.
    const { openSession } = await import('./session/openSession.js');
    const session = openSession(options);
    json = session.json;
    isLocal = session.isLocal;
    try {
      exitCode = (await Promise.race([work(session), session.interrupted])) ?? exitCodes.ok;
    } finally {
      await session.close();
    }
  };
  try {
    const program = await createProgram({ json, runInSession, args });
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return printError(error, json, isLocal());
  }
}

async function printError(error: unknown, json: boolean, isLocal: boolean): Promise<ExitCode> {
  // Commander reports help and --version as an error with the exit code 0.
  if ((error as { exitCode?: unknown }).exitCode === exitCodes.ok) return exitCodes.ok;
  const { describeError } = await import('./errors.js');
  const { code, message, exitCode } = describeError(error, isLocal);
  if (exitCode === exitCodes.ok) return exitCode;
  if (json) console.log(jsonText({ error: { code, message } }));
  // Commander has printed errors of usage already, with the same first word.
  else if (!(error instanceof CommanderError))
    console.error(styleText('red', terminalText(`error: ${message}`), { stream: process.stderr }));
  return exitCode;
}
