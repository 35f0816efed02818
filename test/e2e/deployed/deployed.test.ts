import { readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { packagedFiles } from '../../../local/package/assemblePackage.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { importsOf, packageOf } from '../../support/importsOf.js';

const folder = projectFolder();
const files = await packagedFiles(folder);
const { dependencies, devDependencies } = JSON.parse(
  await readFile(join(folder, 'package.json'), 'utf8'),
) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
const modules = files.filter((file) => file.endsWith('.js'));
const imports = await Promise.all(
  modules.map(async (file) => ({ file, specifiers: importsOf(await readFile(join(folder, file), 'utf8')) })),
);

test('what is deployed is the build of src/, functions/ and the page, and what the host reads', () => {
  const kinds = new Set(
    files
      .filter((file) => !file.startsWith('dist/page/'))
      .map((file) => (/^dist\/(?:src|functions)\/.*\.js$/.exec(file) ? 'code' : file)),
  );
  expect([...kinds].sort()).toEqual(['LICENSE', 'code', 'host.json', 'package-lock.json', 'package.json']);
  expect(files).toEqual(
    expect.arrayContaining([
      'dist/functions/provision.js',
      'dist/page/ops.headers.json',
      'dist/page/ops.html',
      'dist/page/ops.html.br',
      'dist/page/ops.html.gz',
      'dist/src/provisioning/reconcile.js',
    ]),
  );
});

test('nothing of it imports what is not deployed', () => {
  const deployed = new Set(files);
  const missing = imports.flatMap(({ file, specifiers }) =>
    specifiers
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => ({ file, specifier, at: normalize(join(dirname(file), specifier)) }))
      .filter(({ at }) => !deployed.has(at)),
  );
  expect(missing).toEqual([]);
});

test('all packages that it imports are production dependencies, and all of those are imported', () => {
  const packages = new Set(
    imports.flatMap(({ specifiers }) => specifiers.map(packageOf)).filter((name) => name !== null),
  );
  expect([...packages].sort()).toEqual(Object.keys(dependencies).sort());
});

test('no package is both a production and a development dependency', () => {
  expect(Object.keys(devDependencies).filter((name) => name in dependencies)).toEqual([]);
});

test.each([
  ["import a from 'x';", ['x']],
  ["import { a,\n  b } from '@x/y/z.js';", ['@x/y/z.js']],
  ["import 'x/y';", ['x/y']],
  ["export { a } from './a.js';", ['./a.js']],
  ["const a = await import('x'); require('y');", ['x', 'y']],
  ["const text = 'taken from x';", []],
])('imports are found: %s', (code, expected) => {
  expect(importsOf(code)).toEqual(expected);
});
