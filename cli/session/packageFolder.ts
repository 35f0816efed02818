import { findPackageJSON } from 'node:module';
import { dirname } from 'node:path';

/** The folder of the project's package.json. Works for the sources (in tests) and for the build in dist/. */
export function packageFolder(): string {
  const file = findPackageJSON('..', import.meta.url);
  if (!file) throw new Error('unreachable: this file is part of a package');
  return dirname(file);
}
