#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const wrongUsage = 2;
const interrupted = 130;

/**
 * Hands the command line over to the project's own Node 24 if this process runs on an older version. `npx` puts the project's Node
 * first in the PATH, but other callers may start this file with another Node.
 *
 * @returns true if this process is to run the command; false if the command has ended already, and `process.exitCode` is set
 */
function useNode24(): boolean {
  if (Number(process.versions.node.split('.')[0]) >= 24) return true;
  const own = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(own)) {
    console.error(
      `This command needs Node 24 or newer. The current version is ${process.version}. ` +
        'The project installs its own Node 24, except with --ignore-scripts. In that case run: npm rebuild node',
    );
    process.exitCode = wrongUsage;
    return false;
  }
  // Ctrl-C reaches parent and child. The child decides how the command ends.
  process.on('SIGINT', () => {});
  const { status } = spawnSync(own, process.argv.slice(1), { stdio: 'inherit' });
  process.exitCode = status ?? interrupted;
  return false;
}

// An older Node cannot load the other modules.
if (useNode24()) {
  const { run } = await import('./run.js');
  await run(process.argv.slice(2));
}
