import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ShellBlock } from '../../../local/docs/documents.js';

const run = promisify(execFile);

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
  await symlink(system, join(folder, '.local'));
  const commands = blocks.map((block) => block.commands).join('\n');
  const { stdout } = await run('sh', ['-ec', commands], {
    cwd: folder,
    env: { ...process.env, ...env },
  }).finally(() => rm(folder, { recursive: true }));
  return stdout;
}
