import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

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
