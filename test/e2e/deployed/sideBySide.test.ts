import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackRelease } from '../../../local/package/keptRelease.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { waitFor } from '../../support/waitFor.js';
import { changedPackage, type SourceChange } from '../support/changedPackage.js';
import { type Front, type LifeCycles, startLifeCycles } from '../support/lifeCycles.js';
import { provisionApi } from '../support/provisionApi.js';
import { rowsOfFormat } from '../support/readTables.js';
import { useSystem } from '../support/useSystem.js';

/** The least time of a put-back message, shortened from a minute. */
const putBackMs = 2_000;
const shortPutBack: SourceChange = {
  file: 'src/provisioning/putOff.ts',
  from: 'const leastMs = 60_000;',
  to: `const leastMs = ${putBackMs};`,
};
/** The next form of rows and messages. */
const raised: SourceChange[] = [
  { file: 'src/storage/format.ts', from: 'formatVersion = 1;', to: 'formatVersion = 2;' },
  { file: 'src/queue/messages.ts', from: 'version = 1;', to: 'version = 2;' },
];

const folder = await mkdtemp(join(tmpdir(), 'versions-'));
const previous = join(folder, 'previous');
await mkdir(previous);
await unpackRelease(projectFolder(), previous);
const today = await changedPackage(join(folder, 'today'), [shortPutBack]);
const next = await changedPackage(join(folder, 'next'), [shortPutBack, ...raised]);
const system = await useSystem({ hosts: [], devices: 1 });
const { stack, balena, queue, lines } = system;
afterAll(() => rm(folder, { recursive: true }));

/** A running version: its HTTP front, its worker and its timers. */
async function start(app: string): Promise<Front & { stop(): Promise<void> }> {
  const host = await stack.startHost('all', {}, app);
  const { url } = host.endpoints;
  if (url === undefined || url === null) throw new Error('the host has no HTTP front');
  const functions = { ...stack.endpoints.functions, url };
  const api = provisionApi({ ...stack.endpoints, functions });
  return { api, accepted: 0, refused: new Set(), stop: () => host.stop() };
}

type Running = Awaited<ReturnType<typeof start>>;

/** Starts `joins` beside `goes`. Both get requests until the fronts of `until` have accepted some, and then `goes` is stopped. */
async function replace(
  cycles: LifeCycles,
  goes: Running,
  joins: string,
  until: 'both' | 'new' = 'both',
): Promise<Running> {
  const joined = await start(joins);
  cycles.use(goes, joined);
  await cycles.accepted(8, until === 'both' ? [goes, joined] : [joined]);
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

test('the previous release and this version work side by side, both ways', async () => {
  const cycles = startLifeCycles(await balena.newDevices(12));
  const first = await start(previous);
  cycles.use(first);
  await cycles.accepted(8, [first]);
  const upgraded = await replace(cycles, first, today);
  const rolledBack = await replace(cycles, upgraded, previous);
  await cycles.accepted(8, [rolledBack]);
  await expectAllDone(await cycles.end());
  expect([linesWith('put back'), linesWith('A newer version')]).toEqual([0, 0]);
  await rolledBack.stop();
});

test('beside a version with the next form, this version leaves newer rows and messages alone, both ways', async () => {
  const devices = await balena.newDevices(12);
  const began = Date.now();
  const cycles = startLifeCycles(devices);
  const first = await start(today);
  cycles.use(first);
  await cycles.accepted(8, [first]);
  // The older front accepts no request of a device with a newer row.
  const upgraded = await replace(cycles, first, next, 'new');
  await waitFor('each device has a newer row', async () => {
    const rows = [...(await newerRows()).keys()];
    return devices.every((uuid) => rows.some((row) => row.startsWith('devices ') && row.endsWith(uuid)));
  });

  // The rollback: the older version promises nothing for these devices.
  const older = await start(today);
  cycles.use(older);
  await upgraded.stop();
  const newer = await newerRows();
  older.refused.clear();
  await cycles.refused(older);
  expect(await newerRows()).toEqual(newer);

  const again = await replace(cycles, older, next, 'new');
  await cycles.accepted(8, [again]);
  await expectAllDone(await cycles.end());
  const putBacks = linesWith('put back') + linesWith('postponed');
  expect(putBacks).toBeGreaterThan(0);
  // A message comes back to the older version once in the shortened time, and each accepted request has about two messages.
  expect(putBacks).toBeLessThan(2 * cycles.count() + devices.length * ((Date.now() - began) / putBackMs));
  await again.stop();
});

/** The etags of all rows with the next form, by table and key. */
const newerRows = () => rowsOfFormat(stack.endpoints.tables?.connectionString ?? '', 2);
