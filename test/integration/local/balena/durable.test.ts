import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { BalenaEndpoints } from '../../../../local/simulators/balena/startBalena.js';
import { forkMain, killForked } from '../shared/forkMain.js';
import { sdkFor } from './useBalena.js';

const folder = await mkdtemp(join(tmpdir(), 'balena-'));

async function start(...more: string[]) {
  const forked = forkMain<BalenaEndpoints>('balena', '--port', '0', '--folder', folder, ...more);
  return { ...forked, ready: await forked.ready };
}

afterAll(async () => {
  killForked();
  await rm(folder, { recursive: true });
});

test('what was answered is kept when the process is killed, with the same keys and devices', async () => {
  const one = await start('--devices', '2');
  const sdk = await sdkFor(one.ready.apiUrl, one.ready.apiKey);
  const { uuid } = one.ready.devices[1]!;
  await sdk.models.device.serviceVar.set(uuid, 'cloud-relay', 'KEPT', 'yes');
  one.child.kill('SIGKILL');
  await one.closed;

  const two = await start('--devices', '2');
  expect(two.ready).toMatchObject({ apiKey: one.ready.apiKey, devices: one.ready.devices });
  const again = await sdkFor(two.ready.apiUrl, two.ready.apiKey);
  expect(await again.models.device.serviceVar.get(uuid, 'cloud-relay', 'KEPT')).toBe('yes');
  await again.models.device.serviceVar.set(uuid, 'cloud-relay', 'KEPT', 'no');
  two.child.kill('SIGTERM');
  expect(await two.closed).toEqual([0, null]);
  expect(two.output()).toBe(`variable KEPT changed for device ${uuid.slice(0, 7)}… (service cloud-relay)\n`);
});

test('a port that is in use is one sentence and exit code 1', async () => {
  const { ready } = await start();
  const second = forkMain('balena', '--port', new URL(ready.apiUrl).port);
  expect(await second.closed).toEqual([1, null]);
  expect(second.output()).toMatch(/^balena cannot start: port \d+ is in use by another program/);
});

test('data of another version of the simulator stop the start, with what to do', async () => {
  const old = await mkdtemp(join(tmpdir(), 'balena-old-'));
  const db = new DatabaseSync(join(old, 'balena.db'));
  db.exec('CREATE TABLE application (id INTEGER PRIMARY KEY)');
  db.close();
  const forked = forkMain('balena', '--port', '0', '--folder', old);
  expect(await forked.closed).toEqual([1, null]);
  expect(forked.output()).toMatch(/another version of this simulator.*--fresh/);
  await rm(old, { recursive: true });
});

test('a fleet that is no slug stops the start', async () => {
  const wrong = forkMain('balena', '--fleet', 'demo');
  expect(await wrong.closed).toEqual([1, null]);
  expect(wrong.output()).toContain('must be organization/name');
});
