import { setTimeout } from 'node:timers/promises';

export interface LoadResult {
  perSecond: number;
  /** Of each call, ms. */
  latencies: number[];
}

/**
 * Makes a number of calls, so many at a time.
 *
 * @param perSecond a rate to keep to: a call's latency counts from when it was due, and not from when there was a place for it.
 * Default: as fast as it goes
 * @throws what the first call that fails throws
 */
export async function load(
  calls: number,
  atATime: number,
  call: (i: number) => Promise<void>,
  perSecond = Number.POSITIVE_INFINITY,
): Promise<LoadResult> {
  const latencies: number[] = [];
  let next = 0;
  const started = performance.now();
  const lane = async () => {
    while (next < calls) {
      const i = next;
      next += 1;
      const due = Number.isFinite(perSecond) ? started + (i / perSecond) * 1_000 : performance.now();
      const wait = due - performance.now();
      if (wait > 0) await setTimeout(wait);
      await call(i);
      latencies.push(performance.now() - due);
    }
  };
  await Promise.all(Array.from({ length: atATime }, lane));
  return { perSecond: Math.round((calls / (performance.now() - started)) * 1_000), latencies };
}
