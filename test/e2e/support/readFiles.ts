import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

/**
 * Reads the files below a folder, binary files included, by relative path.
 *
 * @param leave paths of folders and files to leave out
 * @param since Unix ms; files last changed earlier are left out
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
      // Other processes write here too, so a file may be gone before the read.
      else if (entry.isFile() && ((await stat(path).catch(() => null))?.mtimeMs ?? 0) >= since)
        found[name] = await readFile(path, 'latin1').catch(() => '');
    }
  };
  await look(folder);
  return found;
}
