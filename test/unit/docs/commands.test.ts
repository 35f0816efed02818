import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { createProgram } from '../../../cli/createProgram.js';
import { readDocuments, shellBlocks } from '../../../local/docs/documents.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import {
  cliArguments,
  commandsOf,
  inlineCommands,
  notRun,
  reasonFor,
  runBy,
  runnableBlocks,
} from '../../support/documentCommands.js';

const documents = (await readDocuments()).filter(({ path }) => path !== 'CHANGELOG.md');
const blocks = documents.flatMap(shellBlocks);

test('every command of a document is run by a test, or has a reason', () => {
  const left = documents
    .filter(({ path }) => !(path in runBy))
    .flatMap((document) => shellBlocks(document))
    .flatMap((block) =>
      commandsOf(block)
        .filter((command) => !reasonFor(command))
        .map((command) => `${block.path}:${block.line} ${command}`),
    );
  expect(left).toEqual([]);
});

test('a block is run as a whole, or not at all', () => {
  const mixed = blocks.filter(
    (block) => new Set(commandsOf(block).map((each) => !!reasonFor(each))).size > 1,
  );
  expect(mixed.map(({ path, line }) => `${path}:${line}`)).toEqual([]);
});

test.each(Object.entries(runBy))('%s has commands, and %s runs them', async (path, file) => {
  const document = documents.find((each) => each.path === path);
  expect(document && runnableBlocks(document).length).toBeGreaterThan(0);
  expect(await readFile(join(projectFolder(), file), 'utf8')).toContain(`'${path}'`);
});

test('every reason is needed', () => {
  const commands = blocks.flatMap(commandsOf);
  expect(notRun.filter(({ pattern }) => !commands.some((each) => pattern.test(each)))).toEqual([]);
});

/** @returns the message of Commander if the command line is wrong; null for a right one, or for a name of a command alone */
async function wrongUsage(args: string[]): Promise<string | null> {
  const program = await createProgram({ json: true, runInSession: async () => {} });
  if (isCommand(program, args)) return null;
  return program.parseAsync(args, { from: 'user' }).then(
    () => null,
    (error: Error) => error.message,
  );
}

function isCommand(program: Command, [name, ...more]: string[]): boolean {
  if (name === undefined) return true;
  const found = program.commands.find((each) => each.name() === name);
  return found !== undefined && isCommand(found, more);
}

test('the parser of the CLI accepts every command of npx provisioner in the documents', async () => {
  const commands = [
    ...documents.flatMap(({ text }) => inlineCommands(text, 'npx provisioner', 'provisioner')),
    ...blocks.flatMap(commandsOf).filter((command) => command.startsWith('npx provisioner')),
  ];
  expect(commands.length).toBeGreaterThan(40);
  const wrong = await Promise.all(
    commands.map(async (command) => {
      const message = await wrongUsage(cliArguments(command));
      return message && `${command}: ${message}`;
    }),
  );
  expect(wrong.filter((each) => each !== null)).toEqual([]);
});

test.each([
  ['an unknown command', 'npx provisioner sweeep'],
  ['an unknown option', 'npx provisioner sweep --dry'],
  ['a missing argument', 'npx provisioner dead-letters show --json'],
])('%s is found', async (_, command) => {
  expect(await wrongUsage(cliArguments(command))).toMatch(/error/);
});
