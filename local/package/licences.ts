import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A package whose code is in the bundle. */
export interface BundledPackage {
  name: string;
  version: string;
  /** The name of the licence, for example `MIT`. */
  licence: string;
  /** The texts of the package's licence and notice files. */
  texts: string[];
}

/**
 * Reads the licences of all packages with code in a bundle.
 *
 * @param folder of the project, installed
 * @param inputs paths of bundled modules in the project
 * @throws Error naming a package without a licence
 */
export async function bundledPackages(folder: string, inputs: readonly string[]): Promise<BundledPackage[]> {
  const folders = new Set(inputs.map(packageOfModule).filter((found) => found !== null));
  const packages = await Promise.all([...folders].map((path) => readPackage(join(folder, path))));
  const byName = new Map(packages.map((each) => [`${each.name}@${each.version}`, each]));
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The folder of the package to which a module belongs; null for a module of the project. */
export function packageOfModule(module: string): string | null {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(module)?.[0] ?? null;
}

async function readPackage(folder: string): Promise<BundledPackage> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const files = existsSync(folder) ? await readdir(folder) : [];
  const texts = await Promise.all(
    files
      .filter((file) => /^(?:licen[cs]e|notice|copying)(?:$|[-.](?!js$))/i.test(file))
      .sort()
      .map(async (file) => (await readFile(join(folder, file), 'utf8')).trim()),
  );
  if (typeof license !== 'string' && texts.length === 0)
    throw new Error(`${name} ${version} names no licence, and must not be bundled`);
  return { name, version, licence: typeof license === 'string' ? license : 'see below', texts };
}

/** Writes the file with the licences of the bundled packages. Packages with the same texts share one section. */
export function describeLicences(packages: readonly BundledPackage[]): string {
  const sections = new Map<string, BundledPackage[]>();
  for (const each of packages) {
    const text = each.texts.join('\n\n');
    sections.set(text, [...(sections.get(text) ?? []), each]);
  }
  const written = [...sections].map(([text, owners]) => {
    const names = owners.map(({ name, version, licence }) => `${name} ${version} (${licence})`).join('\n');
    return text === '' ? names : `${names}\n\n${text}`;
  });
  return `The modules of this folder contain code of these packages.\n\n${written.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
