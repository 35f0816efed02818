import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../local/stack/projectFolder.js';

const at = (path: string) => join(projectFolder(), path);
const page = await readFile(at('SECURITY.md'), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| `'));
const names = (await readdir(at('functions'))).map((file) => file.replace(/\.ts$/, ''));

test.each(names)('the table says who may call "%s", at the level that it has', async (name) => {
  const code = await readFile(at(`functions/${name}.ts`), 'utf8');
  const [row = '', ...more] = rows.filter(
    (line) => line.startsWith(`| \`${name}\` `) && line.includes('test/'),
  );
  expect(more).toEqual([]);
  const levels = [...code.matchAll(/authLevel: '(\w+)'/g)].map(([, level]) => level);
  const routes = [...code.matchAll(/route: '([^']+)'/g)].map(([, route]) => `/api/${route}`);
  for (const said of [...levels, ...routes]) expect(row).toContain(said);
  expect(levels).toHaveLength((code.match(/app\.http\(/g) ?? []).length);
  expect(row).toMatch(/`test\/[\w/]+\.test\.ts`/);
});

test('the tests that it names are there, with the names that it gives', async () => {
  const files = [...new Set([...page.matchAll(/`(test\/[\w/.]+\.test\.ts)`/g)].map(([, file = '']) => file))];
  expect(files.length).toBeGreaterThan(5);
  await Promise.all(files.map((file) => access(at(file))));
});
