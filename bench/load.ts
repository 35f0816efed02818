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

/** One request, as a device makes it. @throws Error if the answer is not 202 */
export async function postProvision(url: string, key: string, uuid: string, service = 'main'): Promise<void> {
  const response = await fetch(`${url}/api/provision?code=${key}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uuid, balena_service: service }),
  });
  const text = await response.text();
  if (response.status !== 202) throw new Error(`POST answered ${response.status}: ${text}`);
}

/** The given parts (0.5 is the median) of some measurements, rounded to a tenth. */
export function percentiles(values: number[], ...parts: number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return parts.map((part) => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
    return Math.round(value * 10) / 10;
  });
}
