/** Runs one after the other, whether or not those before have failed. @throws the first error, once all have run */
export async function eachInTurn(...runs: (() => Promise<unknown>)[]): Promise<void> {
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
