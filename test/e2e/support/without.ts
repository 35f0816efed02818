import type { SimulatorName } from '../../../local/stack/simulators.js';
import type { Stack } from '../../../local/stack/startStack.js';

/** Runs a function while a simulator does not answer: the process of the simulator is stopped, and continues afterwards. */
export async function without<R>(stack: Stack, name: SimulatorName, run: () => Promise<R>): Promise<R> {
  const { process } = stack.simulators[name] ?? {};
  process?.kill('SIGSTOP');
  try {
    return await run();
  } finally {
    process?.kill('SIGCONT');
  }
}
