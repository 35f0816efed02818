#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// The rest is loaded by a Node that can run it.
if (useNode24()) {
  const { run } = await import('./run.js');
  await run(process.argv.slice(2));
}

const wrongUsage = 2;

/**
 * npx puts the project's own Node 24 first in the PATH. Who calls this in another way may run an older one: then the project's
 * own takes over.
 *
 * @returns false if another process has done the work, or none can; `process.exitCode` is set then
 */
export function useNode24(): boolean {
  if (Number(process.versions.node.split('.')[0]) >= 24) return true;
  const own = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(own)) {
    console.error(
      `This needs Node 24 or newer, and runs on ${process.version}. The project brings its own, unless it was installed with --ignore-scripts; then run: npm rebuild node`,
    );
    process.exitCode = wrongUsage;
    return false;
  }
  // Ctrl-C reaches both: the one that works decides.
  process.on('SIGINT', () => {});
  const { status } = spawnSync(own, process.argv.slice(1), { stdio: 'inherit' });
  process.exitCode = status ?? 130;
  return false;
}
