import type { OpsTools } from '../OpsTools.js';
import { readDepths } from './readDepths.js';

const minuteMs = 60_000;
/** What is shown is the last hour. */
const keptMs = 70 * minuteMs;

/**
 * Writes down what stands at this minute, for the last hour's charts, and removes what is older. A timer calls it.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function takeSample(
  tools: Pick<OpsTools, 'management' | 'recordBook' | 'clock' | 'samples' | 'status'>,
): Promise<void> {
  const { samples, status, clock } = tools;
  const at = Math.floor(clock.now() / minuteMs) * minuteMs;
  const [{ active, scheduled, deadLettered }, row] = await Promise.all([readDepths(tools), status.read()]);
  const totals = row?.totals ?? { operations: 0, provisioned: 0, failed: 0 };
  await samples.add({ at, depths: { active, scheduled, deadLettered }, totals });
  await samples.forget(at - keptMs);
}
