import * as fc from 'fast-check';
import { rulesOff, type ShownRule } from './rulesOff.js';
import { fillPools } from './support/certificates.js';
import type { RuleOff } from './support/RuleOff.js';
import { runScenario } from './support/runScenario.js';
import { scenario } from './support/Scenario.js';

/** The purpose of each main rule: a violation appears when the rule is switched off, and does not appear with the rule. */
const enough = 2;

beforeAll(fillPools);

test.each(rulesOff)(
  'without "$rule", this is seen: $seen',
  async ({ off, on = {}, seen, histories, within }: ShownRule) => {
    const all = fc.sample(scenario, { numRuns: within, seed: 11 }).map((one) => ({ ...one, ...histories }));
    const goesWrong = async (one: (typeof all)[number], rule: RuleOff) => {
      const { violations } = await runScenario(one, rule);
      return seen.some((what) => violations.has(what));
    };

    let found = 0;
    let played = 0;
    while (found < enough && played < all.length) {
      if (await goesWrong(all[played]!, off)) found += 1;
      played += 1;
    }
    expect(found).toBe(enough);

    let foundWithRule = 0;
    for (const one of all.slice(0, played)) if (await goesWrong(one, on)) foundWithRule += 1;
    expect(foundWithRule).toBe(0);
  },
  300_000,
);
