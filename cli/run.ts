import { styleText } from 'node:util';
import { createProgram } from './createProgram.js';
import { describeError, type ExitCode, exitCodes } from './errors.js';
import { openSession } from './session/openSession.js';
import type { GlobalOptions } from './session/session.js';

/** Connections that are still open at the end do not keep the process longer. */
const lingerMs = 500;

/**
 * Runs one command line to its end, and sets the exit code of the process.
 *
 * @param args without the names of program and script
 */
export async function run(args: string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads has seen enough: provisioner list | head
    if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  });
  process.exitCode = await runCommand(args);
  // All that was printed is out first: a pipe may be slow.
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
      exitCode = (await Promise.race([work(session), session.stopped])) ?? exitCodes.ok;
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
    if (json) console.log(JSON.stringify({ error: { code, message } }));
    // Commander has said it, with what there is instead.
    else if (code !== 'usage') console.error(styleText('red', message, { stream: process.stderr }));
    return ending.exitCode;
  }
}
