import '../requireNode24.js';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Command } from 'commander';
import { wholeNumber } from '../simulators/shared/runSimulator.js';
import { projectFolder } from '../stack/projectFolder.js';
import { buildSite } from './buildSite.js';
import { updateContents } from './contents.js';
import { serveSite } from './serveSite.js';

const { serve, port, update } = new Command('npm run docs --')
  .description(
    'Builds the documents into a static site, dist/site. The site needs no network. Dead links are errors.',
  )
  .option('--update', 'first write the tables of contents of the documents anew')
  .option('--serve', 'then serve the site on 127.0.0.1, until Ctrl-C (npm run docs:serve)')
  .option('--port <number>', 'port of --serve; 0: a free port', wholeNumber, 8080)
  .parse()
  .opts<{ serve?: boolean; port: number; update?: boolean }>();

const folder = join(projectFolder(), 'dist/site');
try {
  for (const path of update ? await updateContents() : [])
    console.log(`${path} has a new table of contents.`);
  console.log(`${await buildSite(folder)} pages are in dist/site. The first page is dist/site/index.html.`);
  if (serve) {
    const server = await serveSite(folder, port);
    console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
