import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createProgram } from '../../cli/createProgram.js';
import { projectFolder } from '../../local/stack/projectFolder.js';
import { adviceFor, errorCodes } from '../../src/shared/errorPolicy.js';
import { argumentsOf, commandsIn } from '../e2e/support/drills/commands.js';
import { drills } from '../e2e/support/drills/drills.js';

const read = (path: string) => readFile(join(projectFolder(), path), 'utf8');

test.each(errorCodes)('%s has a drill, or a test elsewhere and a reason', async (code) => {
  const drill = drills[code];
  if ('cause' in drill) return;
  expect(await read(drill.test)).toContain(`'${code}'`);
  expect(drill.reason).toMatch(/^[A-Z].+\.$/);
});

const values = { slug: 'my_org/my_fleet', uuid: '0'.repeat(32), name: 'main', code: 'hub-rejected' };

async function isUnderstood(command: string): Promise<void> {
  const args = argumentsOf(command, values);
  const program = await createProgram({ json: true, runInSession: async () => {}, args });
  await program.parseAsync(args, { from: 'user' });
}

test.each(errorCodes)('the CLI understands every command of the advice for %s', async (code) => {
  for (const command of commandsIn(adviceFor(code))) await isUnderstood(command);
});

test('the CLI understands every command of the runbook', async () => {
  const commands = commandsIn(await read('docs/runbook.md')).filter((each) => !each.includes('…'));
  expect(commands.length).toBeGreaterThan(10);
  for (const command of commands) await isUnderstood(command);
});
