import * as fc from 'fast-check';
import { fillPools } from './support/certificates.js';
import { runScenario } from './support/runScenario.js';
import { scenario } from './support/Scenario.js';

/**
 * A random search through the protocol. The code is the product's own: accept, check, processMessage, redrive, and the bulk actions. The
 * stores, the queue, the hub and balena are fakes, and a seed chooses every step.
 *
 *   PROTOCOL_RUNS   how many histories (2,000)
 *   PROTOCOL_SEED   fast-check's seed; every seed gives other histories (1, a build repeats itself)
 *   PROTOCOL_PATH   replays, together with the seed, a printed failure
 *   PROTOCOL_SHRINK 0: stops at the first failure, without a search for a shorter history
 *
 *   PROTOCOL_RUNS=50000 PROTOCOL_SEED=$RANDOM npm test -- test/protocol
 */
const numRuns = Number(process.env.PROTOCOL_RUNS ?? 2_000);
const seed = Number(process.env.PROTOCOL_SEED ?? 1);
const path = process.env.PROTOCOL_PATH || undefined;

beforeAll(fillPools);

test(`whatever crashes, repeats, comes late or is refused: what stands at rest is what was asked for, in ${numRuns} histories`, async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (one) => {
      const { violations } = await runScenario(one);
      if (violations.size === 0) return;
      const again = await runScenario(one, {}, true);
      throw new Error(`${[...again.violations.keys()].join(', ')}\n${again.history}`);
    }),
    { numRuns, seed, endOnFailure: process.env.PROTOCOL_SHRINK === '0', ...(path !== undefined && { path }) },
  );
}, 3_600_000);
