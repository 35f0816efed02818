import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assemblePackage, type Package } from '../../../local/package/assemblePackage.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';

/**
 * Assembles the deployment package for one test file, outside of the project: Node then finds no `node_modules` there. `afterAll` removes
 * the folder.
 */
export async function usePackage(): Promise<Package & { folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'package-'));
  afterAll(() => rm(folder, { recursive: true }));
  return { folder, ...(await assemblePackage(projectFolder(), folder)) };
}
