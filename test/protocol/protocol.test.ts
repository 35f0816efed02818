import * as fc from 'fast-check';
import { fillPools } from './support/certificates.js';
import { runScenario } from './support/runScenario.js';
import { scenario } from './support/Scenario.js';

/**
 * The protocol as code, searched at random: the product's own accept, check, workOn and overdue, with the stores and the
 * systems outside faked at their edges, and every step of theirs chosen by a seed.
 *
 *   PROTOCOL_RUNS   how many histories (2,000)
 *   PROTOCOL_SEED   fast-check's seed; every seed gives other histories (1, so that a build repeats itself)
 *   PROTOCOL_PATH   with the seed, replays the failure that was printed with it
 *   PROTOCOL_SHRINK 0: stops at the first failure, and does not look for a shorter one
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
