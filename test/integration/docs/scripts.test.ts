import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readDocuments, shellBlocks } from '../../../local/docs/documents.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { commandsOf, inlineCommands } from '../../support/documentCommands.js';

const run = promisify(execFile);
const { scripts } = JSON.parse(await readFile(join(projectFolder(), 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const documents = (await readDocuments()).filter(({ path }) => path !== 'CHANGELOG.md');
const commands = documents.flatMap((document) => [
  ...inlineCommands(document.text, 'npm run', 'npm start'),
  ...shellBlocks(document).flatMap(commandsOf),
]);

/** The options of each script in the documents. */
const options = new Map<string, Set<string>>();
for (const command of commands) {
  const [, name, rest] = /^npm (?:run ([\w:-]+)|start) -- (.*)$/.exec(command) ?? [];
  if (rest === undefined) continue;
  const known = options.get(name ?? 'start') ?? new Set();
  for (const [option] of rest.matchAll(/--[\w-]+/g)) known.add(option);
  // The parts of the bench are words of its help.
  for (const [, part = ''] of rest.matchAll(/--only (\w+)/g)) known.add(part);
  options.set(name ?? 'start', known);
}

test('the documents have options of many scripts', () => {
  expect(options.size).toBeGreaterThan(6);
});

test.each([...options])('npm run %s has the options of the documents', async (name, words) => {
  // The tests have built already.
  const [program, ...args] = (scripts[name]?.split(' && ').at(-1) ?? '').split(' ');
  expect(program).toBe('node');
  const { stdout } = await run(process.execPath, [...args, '--help'], { cwd: projectFolder() });
  expect([...words].filter((word) => !stdout.includes(word))).toEqual([]);
});
