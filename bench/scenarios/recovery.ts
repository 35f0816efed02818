import { setTimeout } from 'node:timers/promises';
import { burst } from './burst.js';

/** The rate counts as full when, over this time, nine tenths of the hub's rate are reached. */
const windowMs = 3_000;

/**
 * Stops balena in the middle of a burst, and measures the time from balena's return until the backlog flows at the
 * full rate again.
 */
export async function recovery(
  downMs: number,
): Promise<{ 'down s': number; 'full rate after s': number; 'not provisioned': number }> {
  const perSecond = 1_000 / 60;
  const downAfterMs = 10_000;
  const samples: { at: number; provisioned: number }[] = [];
  let backAt = Number.POSITIVE_INFINITY;
  const figures = await burst({
    // Enough devices for a backlog before, during and after the outage.
    devices: Math.round((downAfterMs + 60_000) / 1_000 + downMs / 1_000) * Math.round(perSecond),
    tier: 'S1',
    units: 10,
    workers: 1,
    progress: (provisioned) => samples.push({ at: performance.now(), provisioned }),
    disturb: {
      afterMs: downAfterMs,
      async act({ endpoints }) {
        const faults = `${endpoints.balena?.controlUrl}/faults`;
        const headers = { 'content-type': 'application/json' };
        await fetch(faults, { method: 'PUT', headers, body: JSON.stringify([{ status: 503 }]) });
        await setTimeout(downMs);
        await fetch(faults, { method: 'DELETE' });
        backAt = performance.now();
      },
    },
  });
  const full = samples.find(({ at, provisioned }) => {
    const before = samples.findLast((other) => other.at <= at - windowMs);
    if (!before || before.at < backAt) return false;
    return (provisioned - before.provisioned) / ((at - before.at) / 1_000) >= 0.9 * perSecond;
  });
  return {
    'down s': downMs / 1_000,
    // The full rate began at the start of the window.
    'full rate after s': full ? Math.round((full.at - windowMs - backAt) / 100) / 10 : Number.NaN,
    'not provisioned': figures['not provisioned'],
  };
}
