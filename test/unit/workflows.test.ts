import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { projectFolder } from '../../local/stack/projectFolder.js';

interface Workflow {
  jobs: Record<string, { steps: { run?: string; uses?: string }[] }>;
}

const at = (path: string) => join(projectFolder(), path);
const folder = '.github/workflows';
const files = await readdir(at(folder));
const { scripts } = JSON.parse(await readFile(at('package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** The script of package.json that a command calls; null for `npm ci`; undefined for any other command. */
function scriptOf(command: string): string | null | undefined {
  if (command === 'npm ci') return null;
  return /^npm (?:run )?([\w:-]+)( -- [\w/ -]+)?$/.exec(command)?.[1];
}

test.each(files)('every step of %s calls only scripts of package.json', async (file) => {
  const { jobs } = parse(await readFile(at(join(folder, file)), 'utf8')) as Workflow;
  const commands = Object.values(jobs).flatMap(({ steps }) =>
    steps.flatMap(({ run }) => (run === undefined ? [] : [run])),
  );
  expect(commands).toContain('npm ci');
  const others = commands.filter((command) => {
    const script = scriptOf(command);
    return script === undefined || (script !== null && !(script in scripts));
  });
  expect(others).toEqual([]);
});

test.each(files)('npm run check validates %s', (file) => {
  expect(scripts.check).toContain('npm run --silent check:workflows');
  expect(scripts['check:workflows']).toContain(`${folder}/${file}`);
});

test('the folders of tests that a workflow names exist', async () => {
  const text = await Promise.all(files.map((file) => readFile(at(join(folder, file)), 'utf8')));
  const named = [...text.join('\n').matchAll(/test\/[\w/]+/g)].map(([path]) => path);
  const folders = (await readdir(at('test'))).map((name) => `test/${name}`);
  expect(folders).toEqual(expect.arrayContaining(named));
});

test('other YAML files of the repository are readable', async () => {
  const templates = (await readdir(at('.github/ISSUE_TEMPLATE'))).map(
    (file) => `.github/ISSUE_TEMPLATE/${file}`,
  );
  for (const file of ['.github/dependabot.yml', 'azure.yaml', ...templates])
    expect(parse(await readFile(at(file), 'utf8'))).toBeInstanceOf(Object);
});
