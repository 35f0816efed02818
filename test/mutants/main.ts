import '../../local/requireNode24.js';
import { Command } from 'commander';
import { seededRandom } from '../../local/simulators/shared/faults.js';
import { wholeNumber } from '../../local/simulators/shared/runSimulator.js';
import { mutants } from './list.js';
import type { Mutant } from './Mutant.js';
import { runMutants, type Verdict } from './runMutants.js';

interface Options {
  only?: string[];
  sample?: number;
  seed: number;
  jobs: number;
  groups: number;
  list?: true;
}

const options = new Command('npm run mutants --')
  .description(
    'Puts faults into a copy of the product, one at a time, and runs the tests until one fails. A fault that no test finds survives: ' +
      'the exit code is then 1, unless the list explains why the fault changes nothing.',
  )
  .option('--only <id...>', 'only these mutants')
  .option('--sample <number>', 'only so many, chosen at random', wholeNumber)
  .option('--seed <number>', 'of the sample', wholeNumber, 1)
  .option('--jobs <number>', 'how many at the same time', wholeNumber, 1)
  .option(
    '--groups <number>',
    'of tests, the fast ones first: 0 only the unit tests of the file of each mutant, 1 unit, 2 protocol, 3 and 4 integration, 5 long protocol',
    wholeNumber,
    5,
  )
  .option('--list', 'shows the mutants, and runs nothing')
  .parse()
  .opts<Options>();

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const chosen = choose(options);
if (options.list) {
  for (const { id, rule, file } of chosen) console.log(`${id}\t${rule}\t${file}`);
  process.exit(0);
}
let count = 0;
const verdicts = await runMutants(chosen, {
  root: process.cwd(),
  jobs: Math.max(1, options.jobs),
  groups: options.groups,
  onVerdict(verdict) {
    count += 1;
    console.log(`${count}/${chosen.length} ${verdict.mutant.id}: ${describe(verdict)}`);
  },
});
const width = Math.max(...chosen.map(({ id }) => id.length));
console.log(`\n${'MUTANT'.padEnd(width)}  OUTCOME`);
for (const verdict of verdicts) console.log(`${verdict.mutant.id.padEnd(width)}  ${describe(verdict)}`);
const survivors = verdicts.filter(
  ({ killedBy, mutant }) => killedBy === null && mutant.equivalent === undefined,
);
for (const { mutant } of survivors)
  console.log(`\nSURVIVED ${mutant.id} (${mutant.file})\n  rule: ${mutant.rule}`);
console.log(`\n${verdicts.length} mutants, ${survivors.length} survived.`);
process.exit(survivors.length > 0 ? 1 : 0);

function choose({ only, sample, seed }: Options): readonly Mutant[] {
  const unknown = only?.filter((id) => !mutants.some((mutant) => mutant.id === id)) ?? [];
  if (unknown.length > 0) {
    console.error(`There is no mutant ${unknown.join(', ')}. --list shows the mutants.`);
    process.exit(2);
  }
  const wanted = only ? mutants.filter(({ id }) => only.includes(id)) : mutants;
  if (sample === undefined) return wanted;
  const random = seededRandom(seed);
  return wanted
    .map((mutant) => ({ mutant, place: random() }))
    .sort((a, b) => a.place - b.place)
    .slice(0, sample)
    .map(({ mutant }) => mutant);
}

function describe({ killedBy, mutant }: Verdict): string {
  if (killedBy !== null) return `killed by ${killedBy}`;
  return mutant.equivalent === undefined ? 'SURVIVED' : `survived, as expected: ${mutant.equivalent}`;
}
