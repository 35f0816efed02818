import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackRelease } from '../../../local/package/keptRelease.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { waitFor } from '../../support/waitFor.js';
import { changedPackage } from '../support/changedPackage.js';
import { type Front, type LifeCycles, startLifeCycles } from '../support/lifeCycles.js';
import { provisionApi } from '../support/provisionApi.js';
import { rowsOfFormat } from '../support/readTables.js';
import { useSystem } from '../support/useSystem.js';

/** The least time of a put-back message, shortened from a minute. */
const putBackMs = 2_000;
/** One package with a choice of its form: the form of today, or the next. */
const changes = [
  { file: 'src/provisioning/putOff.ts', from: 'leastMs = 60_000;', to: `leastMs = ${putBackMs};` },
  {
    file: 'src/storage/format.ts',
    from: 'formatVersion = 1;',
    to: 'formatVersion = Number(process.env.FORM);',
  },
  { file: 'src/queue/messages.ts', from: 'version = 1;', to: 'version = Number(process.env.FORM);' },
];

const folder = await mkdtemp(join(tmpdir(), 'versions-'));
const previous = join(folder, 'previous');
await mkdir(previous);
await unpackRelease(projectFolder(), previous);
const changed = await changedPackage(join(folder, 'changed'), changes);
const system = await useSystem({ hosts: [], devices: 1 });
const { stack, balena, queue, lines } = system;
afterAll(() => rm(folder, { recursive: true }));

const versions = {
  previous: { app: previous, settings: {} },
  today: { app: changed, settings: { FORM: '1' } },
  next: { app: changed, settings: { FORM: '2' } },
};

/** Starts a version: its HTTP front, its worker and its timers. */
async function start(version: keyof typeof versions): Promise<Front & { stop(): Promise<void> }> {
  const { app, settings } = versions[version];
  const host = await stack.startHost('all', settings, app);
  const { url } = host.endpoints;
  if (url === undefined || url === null) throw new Error('the host has no HTTP front');
  const functions = { ...stack.endpoints.functions, url };
  const api = provisionApi({ ...stack.endpoints, functions });
  return { api, accepted: 0, refused: new Set(), stop: () => host.stop() };
}

type Running = Awaited<ReturnType<typeof start>>;

/** The version that the first test leaves for the second. */
let running: Running | undefined;
let cycles: LifeCycles;
afterEach(() => cycles.stop());

/** Starts `joins` beside `goes`. Both get requests until the fronts of `until` have accepted some, and then `goes` is stopped. */
async function replace(
  goes: Running,
  joins: keyof typeof versions,
  until: 'both' | 'new' = 'both',
): Promise<Running> {
  const joined = await start(joins);
  cycles.use(goes, joined);
  await cycles.accepted(6, until === 'both' ? [goes, joined] : [joined]);
  cycles.use(joined);
  await goes.stop();
  return joined;
}

const linesWith = (text: string) => lines.filter((line) => line.includes(text)).length;

/** Each accepted request has ended in the requested state, and no message is left. */
async function expectAllDone(reached: Map<string, string>): Promise<void> {
  for (const [uuid, state] of reached) {
    if (state === 'provisioned')
      expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
    else expect([await balena.variables(uuid), await system.hub.thumbprints(uuid)]).toEqual([{}, null]);
  }
  expect(await queue.deadLetters()).toEqual([]);
  await waitFor('the queue is empty', async () => (await queue.messages()).length === 0);
}

test('this version and the previous release work side by side, both ways', async () => {
  cycles = startLifeCycles(await balena.newDevices(8));
  const first = await start('today');
  cycles.use(first);
  await cycles.accepted(6, [first]);
  const rolledBack = await replace(first, 'previous');
  await cycles.accepted(6, [rolledBack]);
  running = await replace(rolledBack, 'today');
  await cycles.accepted(6, [running]);
  await expectAllDone(await cycles.end());
  expect([linesWith('put back'), linesWith('A newer version')]).toEqual([0, 0]);
});

test('beside a version with the next form, this version leaves newer rows and messages alone, both ways', async () => {
  const devices = await balena.newDevices(8);
  const began = Date.now();
  cycles = startLifeCycles(devices);
  const first = running ?? (await start('today'));
  cycles.use(first);
  await cycles.accepted(6, [first]);
  // The older front accepts no request of a device with a newer row.
  const upgraded = await replace(first, 'next', 'new');
  await waitFor('each device has a newer row', async () => {
    const rows = [...(await newerRows()).keys()];
    return devices.every((uuid) => rows.some((row) => row.startsWith('devices ') && row.endsWith(uuid)));
  });

  // The rollback: the older version promises nothing for these devices.
  const older = await start('today');
  cycles.use(older);
  await upgraded.stop();
  const newer = await newerRows();
  older.refused.clear();
  const putBacks = linesWith('put back');
  await queue.send(newerMessage(devices[0] ?? ''));
  await waitFor('the newer message is put back', () => linesWith('put back') > putBacks);
  await cycles.refused(older);
  expect(await newerRows()).toEqual(newer);

  running = await replace(older, 'next', 'new');
  await cycles.accepted(6, [running]);
  await expectAllDone(await cycles.end());
  // A message comes back to the older version once in the shortened time, and each accepted request has about two messages.
  const most = 2 * cycles.count() + devices.length * ((Date.now() - began) / putBackMs);
  expect(linesWith('put back') + linesWith('postponed')).toBeLessThan(most);
});

/** A message of the next form. Its job has ended long ago, so the message changes nothing. */
const newerMessage = (uuid: string) => ({
  v: 2,
  uuid,
  requestId: randomUUID(),
  generation: 0,
  due: 0,
  operation: 'provision',
  service: 'main',
});

/** The etags of all rows with the next form, by table and key. */
const newerRows = () => rowsOfFormat(stack.endpoints.tables?.connectionString ?? '', 2);
