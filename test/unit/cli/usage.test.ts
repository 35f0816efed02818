import { jest } from '@jest/globals';
import type { Command } from 'commander';
import { createProgram } from '../../../cli/createProgram.js';
import type { GlobalOptions } from '../../../cli/session/session.js';

/** Parses a command line without running the command. @returns the options, or the error message */
async function parse(...args: string[]): Promise<GlobalOptions | string> {
  let options: GlobalOptions | undefined;
  const runInSession = async (given: GlobalOptions) => {
    options = given;
  };
  try {
    const program = await createProgram({ json: true, runInSession, args });
    await program.parseAsync(args, { from: 'user' });
    return options ?? 'nothing';
  } catch (error) {
    return (error as Error).message;
  }
}

function leafCommands(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leafCommands);
}

const program = await createProgram({ json: false, runInSession: async () => {} });
const commands = leafCommands(program).map((command) => [command.name(), command] as const);

test.each(commands)('the help of %s has examples and fits into 80 columns', (_, command) => {
  let help = '';
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
    getOutHelpWidth: () => 80,
  });
  command.outputHelp();
  expect(help).toMatch(/Examples:\n {2}provisioner /);
  const tooLong = help.split('\n').filter((line) => line.length > 80);
  expect(tooLong).toEqual([]);
});

test('the main help has name and summary of every command, without loading the commands', async () => {
  const summaries = (of: Command) => of.commands.map((each) => [each.name(), each.summary()]);
  const ofHelp = await createProgram({ json: false, runInSession: async () => {}, args: ['--help'] });
  expect(summaries(ofHelp)).toEqual(summaries(program));
  expect(ofHelp.commands.every(({ commands: all }) => all.length === 0)).toBe(true);
});

test('help <command> prints the help of the command', async () => {
  const printed: string[] = [];
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.push(String(text));
    return true;
  });
  try {
    expect(await parse('help', 'dead-letters', 'replay')).toBe('nothing');
    expect(await parse('help')).toBe('nothing');
  } finally {
    write.mockRestore();
  }
  expect(printed.join('')).toMatch(
    /^Usage: provisioner dead-letters replay .*Usage: provisioner \[options\]/s,
  );
  expect(await parse('help', 'dead-letters', 'nope')).toContain("unknown command 'dead-letters nope'");
});

test('the main help lists the exit codes', () => {
  let help = '';
  program.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  program.outputHelp();
  for (const code of [0, 1, 2, 3, 4, 5, 130]) expect(help).toMatch(new RegExp(`^  ${code} `, 'm'));
});

test('--json and --folder work before and after a command', async () => {
  const expected = { json: true, folder: 'x' };
  expect(await parse('--json', '--folder', 'x', 'list')).toMatchObject(expected);
  expect(await parse('dead-letters', 'list', '--json', '--folder', 'x')).toMatchObject(expected);
});

test('a UUID in upper case is accepted', async () => {
  expect(await parse('status', 'ABCDEF0123456789ABCDEF0123456789')).toEqual({});
});

test("the first digits of a UUID are accepted, as balena's dashboard shows them", async () => {
  expect(await parse('status', 'ABCDEF0')).toEqual({});
  expect(await parse('dead-letters', 'list', '--uuid', 'abcdef01234')).toMatchObject({
    uuid: { digits: 'abcdef01234' },
  });
});

test.each([
  [['list', '--fleet', 'My_Org/Fleet'], 'my_org/fleet'],
  [['rotate', '--fleet', 'My_Org/Fleet'], 'my_org/fleet'],
  [['dead-letters', 'list', '--fleet', 'My_Org/Fleet'], 'my_org/fleet'],
  [
    ['sweep', '--fleet', 'My_Org/One', 'my_org/TWO'],
    ['my_org/one', 'my_org/two'],
  ],
  [['audit', '--fleet', 'My_Org/One'], ['my_org/one']],
])("%j: slugs are in lower case, as balena's own tools write them", async (args, fleet) => {
  expect(await parse(...args)).toMatchObject({ fleet });
});

test.each([
  [['nope'], "unknown command 'nope'"],
  [['status', 'a'.repeat(6)], '32 or 62 hexadecimal digits'],
  [['fleet', 'my_fleet'], 'the slug of a fleet'],
  [['sweep', '--fleet', 'my_org/one', 'two'], 'the slug of a fleet'],
  [['status', 'a'.repeat(32), 'more'], 'too many arguments'],
  [['list', '--state', 'odd'], 'Allowed choices are queued'],
  [['list', '--limit', '0'], 'a whole number above 0'],
  [['list', '--limit', '1e3'], 'a whole number above 0'],
  [['dead-letters', 'replay', '--rate', '-1'], 'a number above 0'],
  [['dead-letters', 'discard', '--all'], "required option '--reason <text>' not specified"],
  [['watch', '--interval', 'x'], 'a number above 0'],
])('%j is a usage error', async (args, message) => {
  expect(await parse(...args)).toContain(message);
});
