import { glob, readFile } from 'node:fs/promises';
import Module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CoreModule } from './core.js';

/**
 * Imports the app's entry files. The property `main` in package.json names the files by a path or a glob. The files
 * register their functions during the import.
 *
 * @throws Error in one sentence naming the file, if no file matches or an import fails
 */
export async function loadApp(folder: string): Promise<void> {
  const main = await entryPattern(folder);
  const files: string[] = [];
  for await (const file of glob(main, { cwd: folder })) files.push(file);
  if (files.length === 0) {
    throw new Error(`no file matches "${main}" ("main" in package.json) in ${folder}; is the app built?`);
  }
  for (const file of files.sort()) {
    try {
      await import(pathToFileURL(join(folder, file)).href);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`the entry file ${file} failed: ${reason}`, { cause: error });
    }
  }
}

async function entryPattern(folder: string): Promise<string> {
  const file = join(folder, 'package.json');
  let main: unknown;
  try {
    ({ main } = JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`);
  }
  if (typeof main !== 'string' || main === '')
    throw new Error(`${file} has no "main" that names the entry files`);
  return main;
}

let provided = false;

/**
 * Makes `require('@azure/functions-core')` return this module, by the same method as the real worker. The call must precede
 * the import of the app: the library requires the module once, and skips all registrations if the module is missing.
 *
 * @throws Error at the second call; the library keeps the first module, so a process can run only one host
 */
export function provideCoreModule(core: CoreModule): void {
  if (provided) throw new Error('a process can run only one Functions host: start another process');
  provided = true;
  Module.prototype.require = new Proxy(Module.prototype.require, {
    apply: (target, self, args: [string]) =>
      args[0] === '@azure/functions-core' ? core : Reflect.apply(target, self, args),
  });
}
