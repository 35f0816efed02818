import { execFile } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ending = '.tgz';
/** Everything from which the package is made. */
const sources = ['functions', 'src', 'page', 'local/package', 'host.json', 'package-lock.json'];

/**
 * Keeps the package of a release in `releases/`, in the place of the package of the release before. The package is committed: a machine
 * without the history of git, and without the packages of that time, can still start the release.
 *
 * @param folder of the project, a working copy of git
 * @param packageFolder the assembled package
 * @param version of the release, for example `1.2.0`
 * @returns the path of the kept file
 * @throws Error if a source has changes that are not committed, because nobody could build the package again
 */
export async function keepRelease(folder: string, packageFolder: string, version: string): Promise<string> {
  const { stdout } = await run('git', ['status', '--porcelain', '--', ...sources], { cwd: folder });
  if (stdout !== '') throw new Error(`these changes are not committed:\n${stdout.trimEnd()}`);
  const kept = join(folder, 'releases');
  await rm(kept, { recursive: true, force: true });
  await mkdir(kept);
  const file = join(kept, version + ending);
  // The source maps are half of the package, and a program works without.
  await run('tar', ['-czf', file, '--exclude=*.map', '-C', packageFolder, '.']);
  return file;
}

/**
 * Unpacks the kept package of the previous release.
 *
 * @param folder of the project
 * @param into an empty folder
 * @returns the version of the release
 * @throws Error if `releases/` has no package, or more than one
 */
export async function unpackRelease(folder: string, into: string): Promise<string> {
  const names = (await readdir(join(folder, 'releases'))).filter((name) => name.endsWith(ending));
  const [name, ...more] = names;
  if (name === undefined || more.length > 0)
    throw new Error(`releases/ has ${names.length} packages, and one is expected: npm run release:keep`);
  await run('tar', ['-xzf', join(folder, 'releases', name), '-C', into]);
  return name.slice(0, -ending.length);
}
