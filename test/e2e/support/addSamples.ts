import { noTotals } from '../../../src/health/status.js';
import type { Samples } from '../../../src/ops/overview/samples.js';

/**
 * Stores the samples of the last minutes, as the timer `sample` does, which does not run in tests. The page draws its charts from samples,
 * and the doctor finds a fault if the last activity of the functions is older than three minutes.
 */
export async function addSamples({ samples }: { samples: Samples }, count = 3): Promise<void> {
  const minute = Math.floor(Date.now() / 60_000);
  for (let ago = count - 1; ago >= 0; ago -= 1)
    await samples.add({
      at: (minute - ago) * 60_000,
      depths: { active: 0, scheduled: 0, deadLettered: 0 },
      totals: noTotals,
    });
}
