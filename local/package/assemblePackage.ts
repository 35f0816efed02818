import { cpSync, existsSync, statSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import ignore from 'ignore';

export interface Package {
  files: number;
  packages: number;
}

/**
 * Assembles the deployment package: the built project without the files in .funcignore, plus the production
 * dependencies. The dependencies are copied from node_modules, and so no registry is asked.
 *
 * @param folder of the project, installed and built
 * @param into emptied first
 * @throws Error if the project is not built, or if a production dependency is not installed
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
  // In turns, not in parallel: a package may lie inside another package.
  for (const each of await productionPackages(folder)) {
    if (copyPackage(folder, into, each, ignored)) packages += 1;
  }
  return { files: files.length, packages };
}

/**
 * Copies a package without the packages inside. Each inner package has an entry of its own in the lock file, or is for
 * development.
 */
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

/** Whether a path in the project is left out. */
export type Ignored = (path: string, isFolder: boolean) => boolean;

/** Reads .funcignore, which has the syntax of a .gitignore. */
export async function funcIgnore(folder: string): Promise<Ignored> {
  const ignored = ignore().add(await readFile(join(folder, '.funcignore'), 'utf8'));
  return (path, isFolder) => ignored.ignores(isFolder ? `${path}/` : path);
}

/**
 * Lists the project's files that are deployed, by .funcignore. The production dependencies are copied separately and
 * are not listed.
 *
 * @param folder of the project, built
 * @returns paths relative to `folder`
 */
export async function packagedFiles(folder: string): Promise<string[]> {
  const ignored = await funcIgnore(folder);
  const found: string[] = [];
  const look = async (inside: string): Promise<void> => {
    for (const entry of await readdir(inside, { withFileTypes: true })) {
      const path = join(inside, entry.name);
      const name = relative(folder, path);
      if (name === 'node_modules' || ignored(name, entry.isDirectory())) continue;
      if (entry.isDirectory()) await look(path);
      else found.push(name);
    }
  };
  await look(folder);
  return found.sort();
}

interface Lock {
  packages: Record<
    string,
    { dev?: boolean; optional?: boolean; devOptional?: boolean; os?: string[]; cpu?: string[] }
  >;
}

export interface ProductionPackage {
  /** Path in the project, for example `node_modules/zod`. */
  path: string;
  /** The package may be missing, because some optional packages are for other platforms. */
  optional: boolean;
  /**
   * The package is for some platforms only. A deployment package assembled on one platform may therefore fail on
   * another.
   */
  bound: boolean;
}

/**
 * Lists the packages that `npm ci --omit=dev` installs, by package-lock.json: all packages except the development
 * dependencies.
 */
export async function productionPackages(folder: string): Promise<ProductionPackage[]> {
  const lock = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8')) as Lock;
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, { optional, devOptional, os, cpu }]) => ({
      path,
      optional: Boolean(optional || devOptional),
      bound: Boolean(os || cpu),
    }));
}
