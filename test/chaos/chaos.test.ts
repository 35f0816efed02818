import { runChaos } from './runChaos.js';

/** A build repeats itself. `npm run chaos` searches with new seeds, and CHAOS_SEED gives another plan. */
const seed = Number(process.env.CHAOS_SEED ?? 1);

test('every accepted request ends in the right state, whatever is killed or fails', async () => {
  // A timer works at a time of the clock. The same seed would not give the same run.
  const options = { seed, minutes: 1.25, devices: 40, settleWithinMs: 480_000, timers: [], say: () => {} };
  const report = await runChaos(options);
  const found = [
    report.summary,
    ...report.histories,
    ...report.violations.map((each) => JSON.stringify(each)),
  ];
  if (report.violations.length > 0) console.error(found.join('\n\n'), `\n\nAgain with CHAOS_SEED=${seed}`);
  expect(report.violations).toEqual([]);
}, 900_000);
