import { readdir } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { projectFolder } from '../../../../local/stack/projectFolder.js';
import { evaluate } from './evaluate.js';
import { type BicepFile, readBicep } from './readBicep.js';

/** All Bicep files, by their path in infra/. */
export async function readInfra(): Promise<Map<string, BicepFile>> {
  const folder = join(projectFolder(), 'infra');
  const paths = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith('.bicep')).sort();
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await readBicep(join(folder, path))] as const)),
  );
}

/** Finds a module of main.bicep by name, with the known part of its parameters. */
export function moduleOf(infra: Map<string, BicepFile>, symbol: string) {
  const main = infra.get('main.bicep')!;
  const { path, params } = main.modules.find((module) => module.symbol === symbol)!;
  const given = Object.fromEntries([...params].map(([name, node]) => [name, evaluate(node, main)]));
  return { file: infra.get(normalize(path))!, given };
}
