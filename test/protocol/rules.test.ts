import * as fc from 'fast-check';
import type { ShownRule } from './rulesOff/ShownRule.js';
import { rulesOff } from './rulesOff.js';
import { fillPools } from './support/certificates.js';
import type { RuleOff } from './support/RuleOff.js';
import { runScenario } from './support/runScenario.js';
import { scenario } from './support/Scenario.js';

/** The purpose of each main rule: a violation appears when the rule is switched off, and does not appear with the rule. */
const enough = 2;

/** With this seed, few histories have to be played. */
const scenarios = fc.sample(scenario, {
  numRuns: Math.max(...rulesOff.map(({ within }) => within)),
  seed: 2,
});

beforeAll(fillPools);

test.each(rulesOff)(
  'without "$rule", this is seen: $seen',
  async ({ off, on = {}, seen, histories, within }: ShownRule) => {
    const all = scenarios.slice(0, within).map((one) => ({ ...one, ...histories }));
    const goesWrong = async (one: (typeof all)[number], rule: RuleOff) => {
      const { violations } = await runScenario(one, rule);
      return seen.some((what) => violations.has(what));
    };

    const wrong: typeof all = [];
    for (const one of all) {
      if (wrong.length === enough) break;
      if (await goesWrong(one, off)) wrong.push(one);
    }
    expect(wrong).toHaveLength(enough);

    // protocol.test.ts plays all histories with all rules.
    for (const one of wrong) expect(await goesWrong(one, on)).toBe(false);
  },
  300_000,
);
