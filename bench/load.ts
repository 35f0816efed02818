export interface LoadResult {
  perSecond: number;
  /** Of each call, ms. */
  latencies: number[];
}

/**
 * Makes a number of calls, so many at a time.
 *
 * @throws what the first call that fails throws
 */
export async function load(
  calls: number,
  atATime: number,
  call: (i: number) => Promise<void>,
): Promise<LoadResult> {
  const latencies: number[] = [];
  let next = 0;
  const lane = async () => {
    while (next < calls) {
      const i = next;
      next += 1;
      const started = performance.now();
      await call(i);
      latencies.push(performance.now() - started);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: atATime }, lane));
  return { perSecond: Math.round((calls / (performance.now() - started)) * 1_000), latencies };
}
