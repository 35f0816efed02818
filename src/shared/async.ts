import pLimit from 'p-limit';

/** Runs one after the other, whether or not those before have failed. @throws the first error, once all have run */
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
 * Runs something for each item, some at a time. After the first failure, or the signal, none is begun any more; what was begun is
 * awaited, so that nothing goes on behind the caller's back.
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
