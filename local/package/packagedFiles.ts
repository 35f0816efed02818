import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import ignore from 'ignore';

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
