import '../../local/requireNode24.js';
import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { wholeNumber } from '../../local/simulators/shared/runSimulator.js';
import { runChaos } from './runChaos.js';

const { settle, lines, ...options } = new Command('npm run chaos --')
  .description(
    'Starts the whole system in its processes, requests devices at random while everything is killed, stopped and made to fail at random, ' +
      'waits until no job is pending, and checks the result of every accepted request. The same seed gives the same plan.',
  )
  .option('--seed <number>', 'seed of the plan (default: random)', wholeNumber, randomInt(1, 1_000_000))
  .option('--minutes <number>', 'duration', minutes, 10)
  .option('--devices <number>', 'number of devices, at most 900', wholeNumber, 100)
  .option('--settle <seconds>', 'longest time afterwards until no job is pending', wholeNumber, 600)
  .option('--lines <file>', 'where to write every line of every process')
  .parse()
  .opts<{ seed: number; minutes: number; devices: number; settle: number; lines?: string }>();

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const { violations, summary, histories } = await runChaos({
  ...options,
  settleWithinMs: settle * 1_000,
  ...(lines !== undefined && { linesFile: lines }),
  say: (line) => console.log(`seed ${options.seed}: ${line}`),
});
console.log(`\n${summary}`);
for (const history of histories) console.log(`\n${history}`);
for (const { uuid, rule, what } of violations) console.log(`\nVIOLATION, ${rule}: ${uuid ?? ''} ${what}`);
console.log(
  violations.length > 0
    ? `\n${violations.length} violations. Again: npm run chaos -- --seed ${options.seed} --minutes ${options.minutes} --devices ${options.devices}`
    : '\nNo violations.',
);
process.exit(violations.length > 0 ? 1 : 0);

function minutes(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('Give minutes, such as 10 or 0.5.');
}
