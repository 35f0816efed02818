import { styleText } from 'node:util';
import { jsonText, terminalText } from '../src/shared/printable.js';
import { createProgram } from './createProgram.js';
import { describeError, type ExitCode, exitCodes } from './errors.js';
import { openSession } from './session/openSession.js';
import type { GlobalOptions } from './session/session.js';

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
  const program = createProgram(json, async (options: GlobalOptions, work) => {
    const session = openSession(options);
    json = session.json;
    isLocal = session.isLocal;
    try {
      exitCode = (await Promise.race([work(session), session.interrupted])) ?? exitCodes.ok;
    } finally {
      await session.close();
    }
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    const ending = describeError(error, isLocal());
    if (ending.exitCode === exitCodes.ok) return ending.exitCode;
    const { code, message } = ending;
    if (json) console.log(jsonText({ error: { code, message } }));
    // Commander has printed errors of usage already.
    else if (code !== 'usage')
      console.error(styleText('red', terminalText(message), { stream: process.stderr }));
    return ending.exitCode;
  }
}
