import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assemblePackage } from '../../../local/package/assemblePackage.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';

/** A change of a source file: the text that is replaced, and the new text. */
export interface SourceChange {
  file: string;
  from: string;
  to: string;
}

/**
 * Assembles the deployment package from changed sources.
 *
 * @param folder an empty folder outside of the project; gets the sources and the package
 * @returns the folder of the package
 * @throws Error if a source does not have the text of a change exactly once
 */
export async function changedPackage(folder: string, changes: readonly SourceChange[]): Promise<string> {
  const project = projectFolder();
  const sources = join(folder, 'sources');
  await mkdir(join(sources, 'dist'), { recursive: true });
  for (const name of ['functions', 'src', 'dist/page', 'host.json', 'LICENSE', 'package.json'])
    await cp(join(project, name), join(sources, name), { recursive: true });
  await symlink(join(project, 'node_modules'), join(sources, 'node_modules'));
  for (const { file, from, to } of changes) {
    const text = await readFile(join(sources, file), 'utf8');
    if (text.split(from).length !== 2) throw new Error(`${file} does not have "${from}" exactly once`);
    await writeFile(
      join(sources, file),
      text.replace(from, () => to),
    );
  }
  const into = join(folder, 'package');
  await assemblePackage(sources, into);
  return into;
}
