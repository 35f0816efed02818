import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { collect } from '../../support/collect.js';
import { importsOf, packageOf } from '../../support/importsOf.js';

const folder = projectFolder();
const { dependencies, devDependencies } = JSON.parse(
  await readFile(join(folder, 'package.json'), 'utf8'),
) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
const modules = await collect(glob('dist/{src,functions}/**/*.js', { cwd: folder }));
const code = await Promise.all(modules.map((file) => readFile(join(folder, file), 'utf8')));
const imports = code.map(importsOf);

test('all packages that the deployed code imports are production dependencies, and all of those are imported', () => {
  const packages = new Set(imports.flatMap((each) => each.map(packageOf)).filter((name) => name !== null));
  expect([...packages].sort()).toEqual(Object.keys(dependencies).sort());
});

// Node finds the named exports of a CommonJS package at run time, and a bundler does not. In a bundle, these two forms give undefined.
test('a package is imported dynamically through a module of ours, which names the exports', () => {
  const direct = /\bimport\(\s*['"][^.'"][^'"]*['"]|\bexport\s*\*\s*from\s*['"][^.'"][^'"]*['"]/g;
  expect(code.flatMap((text) => text.match(direct) ?? [])).toEqual([]);
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
