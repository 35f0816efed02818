import { parseArgs } from 'node:util';
import { findBicep } from './bicep.js';
import { checkInfra } from './checkInfra.js';

const usage = `Usage: npm run check:infra [-- --update]

Checks infra/ with the Bicep compiler: build, lint, format, parameters, and the snapshots of infra/examples.
The compiler is the program bicep on the PATH, or a package that dotnet fetches from NuGet.

  --update  Writes formats and snapshots anew. Commit the snapshots: test/unit/infra reads them.
  --help    Prints this text.`;

const { values } = parseArgs({ options: { update: { type: 'boolean' }, help: { type: 'boolean' } } });
if (values.help) console.log(usage);
else process.exitCode = await main(values.update ?? false);

async function main(update: boolean): Promise<number> {
  const bicep = await findBicep();
  if (!bicep) {
    console.error(
      'Nothing was checked: this machine has neither the Bicep compiler nor dotnet, which can fetch it.',
    );
    return 1;
  }
  let failed = 0;
  for await (const { name, problems } of checkInfra(bicep, update)) {
    console.log(`${problems ? 'not ok' : 'ok'}  ${name}`);
    if (problems) console.log(problems.replace(/^/gm, '        '));
    if (problems) failed++;
  }
  if (failed > 0)
    console.error(
      `${failed} checks failed. \`npm run check:infra -- --update\` writes formats and snapshots anew.`,
    );
  return failed > 0 ? 1 : 0;
}
