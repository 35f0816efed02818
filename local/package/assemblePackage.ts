import { cpSync, existsSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { funcIgnore, type Ignored, packagedFiles } from './packagedFiles.js';
import { type ProductionPackage, productionPackages } from './productionPackages.js';

export interface Package {
  files: number;
  packages: number;
}

/**
 * Assembles what is deployed: the built project without what .funcignore leaves out, and its production dependencies, copied
 * from where `npm ci` has put them, so that no registry is asked.
 *
 * @param folder of the project, installed and built
 * @param into is emptied first
 * @throws Error if the project is not built, or a package that it needs is not installed
 */
export async function assemblePackage(folder: string, into: string): Promise<Package> {
  const files = await packagedFiles(folder);
  if (!files.some((file) => file.startsWith(join('dist', 'functions')))) {
    throw new Error(`there is nothing in ${join(folder, 'dist', 'functions')}: npm run build first`);
  }
  await rm(into, { recursive: true, force: true });
  for (const file of files) cpSync(join(folder, file), join(into, file));
  const ignored = await funcIgnore(folder);
  let packages = 0;
  // One after the other: a package may lie inside another one.
  for (const each of await productionPackages(folder)) {
    if (copyPackage(folder, into, each, ignored)) packages += 1;
  }
  return { files: files.length, packages };
}

/** Copies a package without those inside it: each has its own entry in the lock file, or is for development. */
function copyPackage(
  folder: string,
  into: string,
  { path, optional }: ProductionPackage,
  ignored: Ignored,
): boolean {
  const from = join(folder, path);
  if (!existsSync(from)) {
    if (optional) return false;
    throw new Error(`${path} is not installed: npm ci first`);
  }
  cpSync(from, join(into, path), {
    recursive: true,
    filter: (source) => {
      const inside = relative(from, source);
      if (inside === '') return true;
      if (inside.split(sep).includes('node_modules')) return false;
      return !ignored(join(path, inside), statSync(source).isDirectory());
    },
  });
  return true;
}
