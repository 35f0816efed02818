import type { StandInName } from '../../../local/stack/standInStarts.js';
import type { Stack } from '../../../local/stack/startStack.js';

/** Runs something while a stand-in does not answer: its process is stopped, and goes on afterwards. */
export async function without<R>(stack: Stack, name: StandInName, run: () => Promise<R>): Promise<R> {
  const { process } = stack.standIns[name] ?? {};
  process?.kill('SIGSTOP');
  try {
    return await run();
  } finally {
    process?.kill('SIGCONT');
  }
}
