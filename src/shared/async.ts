import pLimit from 'p-limit';

/**
 * Runs the functions one after the other. A failure does not keep the later functions from running.
 *
 * @throws the first error, after all functions have run
 */
export async function runAllInSequence(...runs: (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const run of runs) {
    try {
      await run();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/**
 * Runs a function for each item, a limited number at a time. After the first failure or the abort of the signal, no further item is
 * begun. All begun items are awaited, so that no work continues after the return.
 *
 * @throws the first failure
 */
export async function forEachConcurrently<T>(
  items: readonly T[],
  atATime: number,
  run: (item: T, index: number) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const limit = pLimit(atATime);
  const failures: unknown[] = [];
  await limit.map(items, async (item, index) => {
    if (failures.length > 0 || signal?.aborted) return;
    try {
      await run(item, index);
    } catch (error) {
      failures.push(error);
    }
  });
  if (failures.length > 0) throw failures[0];
}
