import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

/**
 * The files below a folder, by their paths in it; binary ones as well.
 *
 * @param leave folders and files that are left out, by path
 * @param since Unix ms; those that were last changed before it are left out
 */
export async function readFiles(
  folder: string,
  leave: readonly string[],
  since = 0,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const look = async (inside: string): Promise<void> => {
    for (const entry of await readdir(inside, { withFileTypes: true }).catch(() => [])) {
      const path = join(inside, entry.name);
      const name = relative(folder, path);
      if (leave.includes(name)) continue;
      if (entry.isDirectory()) await look(path);
      // Others work here, too: what is gone again is gone.
      else if (entry.isFile() && ((await stat(path).catch(() => null))?.mtimeMs ?? 0) >= since)
        found[name] = await readFile(path, 'latin1').catch(() => '');
    }
  };
  await look(folder);
  return found;
}
