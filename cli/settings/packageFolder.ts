import { findPackageJSON } from 'node:module';
import { dirname } from 'node:path';

/** The folder of package.json, for the sources, which tests run, as for the build in dist/. */
export function packageFolder(): string {
  const file = findPackageJSON('..', import.meta.url);
  if (!file) throw new Error('unreachable: this is part of a package');
  return dirname(file);
}
