import { glob, readFile } from 'node:fs/promises';
import Module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CoreModule } from './core.js';

/**
 * Imports the app's entry files: `main` in its package.json, a path or a glob. They register their functions while they are
 * imported.
 *
 * @throws Error in one sentence that names the file, when there is none or one of them fails
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
 * Makes `require('@azure/functions-core')` answer with this module, the way the real worker does it. It must come before the
 * app is imported: the library asks once, and skips all registrations if there is no answer.
 *
 * @throws Error at the second call: the library keeps the first answer, so a process can hold one host
 */
export function provideCoreModule(core: CoreModule): void {
  if (provided) throw new Error('one process can run one Functions host: start another process');
  provided = true;
  Module.prototype.require = new Proxy(Module.prototype.require, {
    apply: (target, self, args: [string]) =>
      args[0] === '@azure/functions-core' ? core : Reflect.apply(target, self, args),
  });
}
