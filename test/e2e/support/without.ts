import type { StandInName } from '../../../local/stack/standInStarts.js';
import type { Stack } from '../../../local/stack/startStack.js';

/** Runs a function while a simulator does not answer: the process of the simulator is stopped, and continues afterwards. */
export async function without<R>(stack: Stack, name: StandInName, run: () => Promise<R>): Promise<R> {
  const { process } = stack.standIns[name] ?? {};
  process?.kill('SIGSTOP');
  try {
    return await run();
  } finally {
    process?.kill('SIGCONT');
  }
}
