import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type BrokerEndpoints, startBroker } from '../../local/simulators/servicebus/startBroker.js';
import { freePort } from '../../local/simulators/shared/loopback.js';
import { waitFor } from '../support/waitFor.js';
import { buildProgram, type Line, startProgram, usableSdks } from './support/program.js';

/** The groups of cases in Program.cs. The groups `kills` and `idle` need the help of a test. */
const groups = [
  'sending',
  'properties',
  'scheduling',
  'receiving',
  'settling',
  'locks',
  'deadLetters',
  'errors',
  'processor',
  'administration',
  'refused',
];

if ((await usableSdks()).length > 0) describe('the .NET client of Service Bus', checkClient);
else test('the missing .NET SDK is reported', reportMissingSdk);

/** The suite passes on a machine without the SDK, and says what was left out. */
async function reportMissingSdk(): Promise<void> {
  expect(await usableSdks()).toEqual([]);
  const names = [...groups, 'kills', 'idle'].join(', ');
  process.stderr.write(
    `NOT CHECKED: the .NET client against the local broker (${names}). Install the .NET SDK 10 to check.\n`,
  );
}

function checkClient(): void {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'broker-'));
    await buildProgram();
  });
  afterAll(() => rm(folder, { recursive: true }));

  describe('passes every case of', () => {
    let lines: Line[];
    beforeAll(async () => {
      const options = { port: 0, folder: join(folder, 'cases'), queues: [], log() {} };
      const broker = await startBroker(options);
      lines = await startProgram(groups, broker.endpoints.connectionString).ended;
      await broker.close();
    });

    test.each(groups)('%s', (group) => {
      const cases = lines.filter((line) => line.group === group && line.case !== undefined);
      expect(cases.filter(({ ok }) => !ok)).toEqual([]);
      expect(cases.length).toBeGreaterThan(0);
      expect(lines).toContainEqual({ group, passed: cases.length, failed: 0 });
    });
  });

  test('works again after its idle links and its idle connection were ended', async () => {
    const lines: string[] = [];
    const broker = await startBroker({
      port: 0,
      queues: [{ name: 'idle' }],
      idle: { linkMs: 1000, connectionMs: 1000 },
      log: (line) => lines.push(line),
    });
    const program = startProgram(['idle'], broker.endpoints.connectionString);
    await program.line(({ idle }) => idle === true);
    await waitFor('the connection is closed', () =>
      lines.some((line) => line.includes('was inactive for more than the allowed 1000 milliseconds')),
    );
    program.proceed();
    const cases = (await program.ended).filter((line) => line.case !== undefined);
    await broker.close();
    expect(cases).toEqual([expect.objectContaining({ ok: true })]);
    expect(lines.filter((line) => line.includes('is force detached')).length).toBeGreaterThan(1);
  });

  test('loses nothing that a broker acknowledged before it was killed three times', async () => {
    let broker = await startBrokerProcess(join(folder, 'kills'), await freePort());
    const { port, connectionString } = broker.endpoints;
    const program = startProgram(['kills'], connectionString);
    const work = async () => {
      const { acknowledged = 0 } = await program.line((line) => line.acknowledged !== undefined);
      await program.line((line) => (line.acknowledged ?? 0) >= acknowledged + 500);
    };
    for (let kill = 0; kill < 3; kill++) {
      await work();
      await endProcess(broker.child, 'SIGKILL');
      broker = await startBrokerProcess(join(folder, 'kills'), port);
    }
    await work();
    program.proceed();
    const summary = (await program.ended).at(-1);
    await endProcess(broker.child, 'SIGTERM');
    expect(summary).toMatchObject({ group: 'kills', lost: 0, undone: 0 });
    expect(summary?.sent).toBeGreaterThan(2000);
  });
}

async function startBrokerProcess(folder: string, port: number) {
  const main = resolve('dist/local/simulators/servicebus/main.js');
  const args = ['--port', String(port), '--credits', '0', '--folder', folder, '--queue', 'kills'];
  const child = fork(main, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [{ ready }] = (await once(child, 'message')) as [{ ready: BrokerEndpoints }];
  return { child, endpoints: ready };
}

async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}
