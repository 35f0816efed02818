import { setTimeout } from 'node:timers/promises';

export interface LoadResult {
  perSecond: number;
  /** Latency of each call, ms. */
  latencies: number[];
}

/**
 * Makes a number of calls, `atATime` in flight.
 *
 * @param perSecond rate of the calls. A call's latency counts from the due time, even if all `atATime` places were
 *   taken then. Default: as fast as possible
 * @throws the error of the first failing call
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

/** Sends a device's request. @throws Error if the answer is not 202 */
export async function postProvision(url: string, key: string, uuid: string, service = 'main'): Promise<void> {
  const response = await fetch(`${url}/api/provision?code=${key}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uuid, balena_service: service }),
  });
  const text = await response.text();
  if (response.status !== 202) throw new Error(`POST answered ${response.status}: ${text}`);
}

/** Percentiles of some measurements, rounded to a tenth. @param parts for example 0.5 for the median */
export function percentiles(values: number[], ...parts: number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return parts.map((part) => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
    return Math.round(value * 10) / 10;
  });
}
