import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { ShellBlock } from '../../../local/docs/documents.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';

const run = promisify(execFile);

/** In the place of npm: runs a script of package.json without the build before it. The tests have built already. */
const npm = `#!/usr/bin/env node
const { spawnSync } = require('node:child_process');
const [verb, name, dashes, ...args] = process.argv.slice(2);
const { scripts } = require(process.env.PROJECT + '/package.json');
const script = scripts[name]?.replace('npm run --silent build && ', '');
if (verb !== 'run' || script === undefined || (dashes ?? '--') !== '--') throw new Error('no such script: ' + process.argv.slice(2).join(' '));
const { status } = spawnSync('sh', ['-c', script + ' "$@"', 'sh', ...args], { stdio: 'inherit' });
process.exitCode = status ?? 1;
`;

/**
 * Runs the commands of a document unchanged, as a reader does who has started the system with `npm start`.
 *
 * @param system the folder of the system, in the place of `.local`
 * @param env added to the environment of this process
 * @returns stdout of the commands
 * @throws Error if a command fails
 */
export async function runCommands(
  blocks: readonly ShellBlock[],
  system: string,
  env: Record<string, string> = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'document-'));
  const project = projectFolder();
  await symlink(system, join(folder, '.local'));
  for (const name of ['dist', 'device']) await symlink(join(project, name), join(folder, name));
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/npm'), npm, { mode: 0o755 });
  const path = [join(folder, 'bin'), join(project, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const commands = blocks.map((block) => block.commands).join('\n');
  const { stdout } = await run('sh', ['-ec', commands], {
    cwd: folder,
    env: { ...process.env, PROJECT: project, ...env, PATH: path },
  }).finally(() => rm(folder, { recursive: true }));
  return stdout;
}
