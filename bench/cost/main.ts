import '../../local/requireNode24.js';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { wholeNumber } from '../../local/simulators/shared/runSimulator.js';
import { projectFolder } from '../../local/stack/projectFolder.js';
import { measureBoot } from './measured.js';
import { costTables, withTables } from './tables.js';

const { devices, units, measured, update } = new Command('npm run bench:cost --')
  .description(
    'Counts what a booting fleet uses: in memory with the code of the product, for the tables of docs/cost.md, or with all processes.',
  )
  .option('--update', 'write the tables into docs/cost.md')
  .option('--measured', 'play the boot in real time instead, with all processes (S1)')
  .option('--devices <number>', 'measured: number of devices, which all request at once', wholeNumber, 1_000)
  .option('--units <number>', 'measured: units of the hub', wholeNumber, 10)
  .parse()
  .opts<{ devices: number; units: number; measured?: boolean; update?: boolean }>();

if (measured) {
  console.log(`${devices} devices at once, S1 × ${units}, for each device:`);
  console.table(await measureBoot(devices, units));
} else {
  const tables = await costTables();
  for (const table of Object.values(tables)) console.log(`${table}\n`);
  const file = join(projectFolder(), 'docs/cost.md');
  if (update) await writeFile(file, withTables(await readFile(file, 'utf8'), tables));
}
process.exit(0);
