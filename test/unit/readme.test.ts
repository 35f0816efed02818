import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../local/stack/projectFolder.js';
import { settingNames } from '../../src/config/settings.js';
import { errorCodes, policyOf } from '../../src/shared/errorPolicy.js';

const read = (path: string) => readFile(join(projectFolder(), path), 'utf8');

test('README.md lists every error code, with the meaning and the advice of the policy', async () => {
  const rows = errorCodes.map(
    (code) => `| \`${code}\` | ${policyOf(code).meaning} | ${policyOf(code).advice} |`,
  );
  const table = ['| `code` of a failure | meaning | what to do |', '| --- | --- | --- |', ...rows].join('\n');
  if (!(await read('README.md')).includes(`\n${table}\n\n`))
    throw new Error(`The table of error codes in README.md must be:\n\n${table}\n`);
});

/** App Service or the Functions host sets these; an operator does not. */
const setByThePlatform = ['AzureWebJobsStorage__accountName', 'WEBSITE_AUTH_ENABLED', 'WEBSITE_SITE_NAME'];

test('README.md names every setting', async () => {
  const readme = await read('README.md');
  const missing = settingNames.filter((name) => !readme.includes(`\`${name}\``));
  expect(missing).toEqual(setByThePlatform);
});

test.each(['README.md', 'CONTRIBUTING.md'])('the scripts that %s names exist', async (file) => {
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
  const named = [...(await read(file)).matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test.each(['README.md', 'CONTRIBUTING.md', 'docs/glossary.md'])(
  'the files that %s names exist',
  async (file) => {
    const named = [
      ...(await read(file)).matchAll(/`((?:src|test|cli|page|local|functions|docs|infra)\/[\w./-]*)`/g),
    ];
    const paths = named.map(([, path = '']) => path).filter((path) => !/example/.test(path));
    expect(paths.length).toBeGreaterThan(0);
    await Promise.all(paths.map((path) => access(join(projectFolder(), path))));
  },
);

test('no line of a document has more than 300 characters', async () => {
  const folder = projectFolder();
  const files = [folder, join(folder, 'docs')].map(async (each) =>
    (await readdir(each)).filter((name) => name.endsWith('.md')).map((name) => join(each, name)),
  );
  const long: string[] = [];
  for (const file of (await Promise.all(files)).flat())
    for (const [index, line] of (await readFile(file, 'utf8')).split('\n').entries())
      if (line.length > 300) long.push(`${file}:${index + 1} has ${line.length}`);
  expect(long).toEqual([]);
});
