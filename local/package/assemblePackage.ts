import { cpSync, existsSync, statSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import ignore from 'ignore';

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

/** Whether a path in the project is left out. */
export type Ignored = (path: string, isFolder: boolean) => boolean;

/** What .funcignore leaves out; it reads as a .gitignore does. */
export async function funcIgnore(folder: string): Promise<Ignored> {
  const ignored = ignore().add(await readFile(join(folder, '.funcignore'), 'utf8'));
  return (path, isFolder) => ignored.ignores(isFolder ? `${path}/` : path);
}

/**
 * What is put into Azure of this project, by its .funcignore; the production dependencies are installed beside it, and are
 * not listed.
 *
 * @param folder of the project, built
 * @returns paths in it
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
  /** In the project, such as `node_modules/zod`. */
  path: string;
  /** May be missing where it is not for this platform. */
  optional: boolean;
  /** Is for some platforms only: what is assembled on one need not run on another. */
  bound: boolean;
}

/** The packages that `npm ci --omit=dev` installs, by package-lock.json: all but those that only development needs. */
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
