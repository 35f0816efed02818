import { jest } from '@jest/globals';
import { openSession } from '../../../../cli/session/openSession.js';

const evil = 'main\u001b[2J\nall devices are provisioned\u202e';

/** The output of a session for a result with a name from outside. */
async function outputOf(json: boolean): Promise<{ out: string; err: string }> {
  const out = jest.spyOn(console, 'log').mockImplementation(() => {});
  const err = jest.spyOn(console, 'error').mockImplementation(() => {});
  const session = openSession({ json });
  session.printResult({ service: evil }, ({ service }) => `moved to ${service}\nand done`);
  session.info(`looking at \u001b[2J`);
  await session.close();
  const lines = { out: out.mock.calls.flat().join('\n'), err: err.mock.calls.flat().join('\n') };
  out.mockRestore();
  err.mockRestore();
  return lines;
}

test('a name from outside neither clears the screen nor adds a line', async () => {
  expect(await outputOf(false)).toEqual({
    out: 'moved to main\\u{1b}[2J\\u{a}all devices are provisioned\\u{202e}\nand done',
    err: 'looking at \\u{1b}[2J',
  });
});

test('--json is safe in a terminal, and a parser reads the name as it is', async () => {
  const { out } = await outputOf(true);
  expect(out).toMatch(/^[ -~]*$/);
  expect(JSON.parse(out)).toEqual({ service: evil });
});
