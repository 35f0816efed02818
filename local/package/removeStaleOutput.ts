import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Removes compiled files in `dist` whose source does not exist any more. The compiler leaves them there, and the Functions host would
 * still load the functions among them. `npm run build` runs this file.
 */
const project = fileURLToPath(new URL('../..', import.meta.url));

for (const name of readdirSync(join(project, 'dist'), { recursive: true, encoding: 'utf8' })) {
  const [, source] = /^(.*)\.js(?:\.map)?$/.exec(name) ?? [];
  // `bundleTools.ts` removes old chunks.
  if (source === undefined || source.startsWith('chunks/')) continue;
  const hasSource = ['.ts', '.tsx'].some((ending) => existsSync(join(project, source + ending)));
  // `force`: another build may remove the same file at the same time.
  if (!hasSource) rmSync(join(project, 'dist', name), { force: true });
}
