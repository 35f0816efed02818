import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../stack/projectFolder.js';
import { keepRelease } from './keptRelease.js';

// `npm run release:keep` keeps the package of this commit as the previous release (CONTRIBUTING.md, "How to make a release").
const folder = projectFolder();
try {
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const file = await keepRelease(folder, join(folder, '.package'), version);
  const { size } = await stat(file);
  console.log(`releases/${version}.tgz: ${(size / 1e6).toFixed(1)} MB. Commit the file with the release.`);
} catch (error) {
  console.error(`the release cannot be kept: ${(error as Error).message}`);
  process.exitCode = 1;
}
