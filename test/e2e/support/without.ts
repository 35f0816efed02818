import type { SimulatorName } from '../../../local/stack/simulators.js';
import type { Stack } from '../../../local/stack/startStack.js';

/** Runs something while a stand-in does not answer: its process is stopped, and goes on afterwards. */
export async function without<R>(stack: Stack, name: SimulatorName, run: () => Promise<R>): Promise<R> {
  const { process } = stack.simulators[name] ?? {};
  process?.kill('SIGSTOP');
  try {
    return await run();
  } finally {
    process?.kill('SIGCONT');
  }
}
