import { cpSync, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bundle, bundleFunctions } from './bundle.js';
import { bundledPackages, describeLicences } from './licences.js';

/** An assembled package. */
export interface Package extends Bundle {
  /** The packages of npm with code in the bundle. */
  packages: number;
}

/** The file with the licences of the bundled packages. */
export const licencesFile = 'THIRD-PARTY-LICENSES.txt';

/**
 * Assembles the deployment package: the bundled functions, the operators' page, host.json, a package.json that names the entry file, and the
 * licences. The package needs no `node_modules` and no installation.
 *
 * @param folder of the project, installed and built
 * @param into emptied first
 * @throws Error if the page is not built, or if the bundler fails
 */
export async function assemblePackage(folder: string, into: string): Promise<Package> {
  if (!existsSync(join(folder, 'dist/page/ops.html')))
    throw new Error(`there is no page in ${join(folder, 'dist/page')}: npm run build first`);
  await rm(into, { recursive: true, force: true });
  await mkdir(join(into, 'dist/functions'), { recursive: true });
  const bundle = await bundleFunctions(folder, join(into, 'dist/functions'));
  const packages = await bundledPackages(folder, bundle.inputs);
  await writeFile(join(into, licencesFile), describeLicences(packages));
  await writeFile(join(into, 'package.json'), await packageJson(folder));
  for (const name of ['host.json', 'LICENSE', 'dist/page']) {
    cpSync(join(folder, name), join(into, name), { recursive: true });
  }
  return { ...bundle, packages: packages.length };
}

/** The package.json of the deployed package. Without dependencies, no tool tries to install anything. */
async function packageJson(folder: string): Promise<string> {
  const { name, version, license, type } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const main = 'dist/functions/main.js';
  return `${JSON.stringify({ name, version, license, private: true, type, main }, null, 2)}\n`;
}

/** Counts the files in a folder, at every depth, and their bytes. */
export async function sizeOf(folder: string): Promise<{ files: number; bytes: number }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(({ parentPath, name }) => stat(join(parentPath, name))));
  return { files: files.length, bytes: sizes.reduce((sum, { size }) => sum + size, 0) };
}
