import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import ignore from 'ignore';

/**
 * What is put into Azure of this project, by its .funcignore (which reads as a .gitignore does); the production dependencies
 * are installed beside it, and are not listed.
 *
 * @param folder of the project, built
 * @returns paths in it
 */
export async function deployedFiles(folder: string): Promise<string[]> {
  const ignored = ignore().add(await readFile(join(folder, '.funcignore'), 'utf8'));
  const found: string[] = [];
  const look = async (inside: string): Promise<void> => {
    for (const entry of await readdir(inside, { withFileTypes: true })) {
      const path = join(inside, entry.name);
      const name = relative(folder, path);
      if (name === 'node_modules' || ignored.ignores(entry.isDirectory() ? `${name}/` : name)) continue;
      if (entry.isDirectory()) await look(path);
      else found.push(name);
    }
  };
  await look(folder);
  return found.sort();
}
