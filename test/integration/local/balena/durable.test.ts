import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BalenaEndpoints } from '../../../../local/simulators/balena/startBalena.js';
import { sdkFor } from './useBalena.js';

const program = join(import.meta.dirname, '../../../../dist/local/simulators/balena/main.js');
const folder = await mkdtemp(join(tmpdir(), 'balena-'));
const children: ChildProcess[] = [];

async function start(...more: string[]) {
  const child = fork(program, ['--port', '0', '--folder', folder, ...more], { silent: true });
  children.push(child);
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  const [{ ready }] = (await once(child, 'message')) as [{ ready: BalenaEndpoints }];
  return { child, ready, output: () => output };
}

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

test('what was answered is kept when the process is killed, with the same keys and devices', async () => {
  const one = await start('--devices', '2');
  const sdk = await sdkFor(one.ready.apiUrl, one.ready.apiKey);
  const { uuid } = one.ready.devices[1]!;
  await sdk.models.device.serviceVar.set(uuid, 'main', 'KEPT', 'yes');
  one.child.kill('SIGKILL');
  await once(one.child, 'close');

  const two = await start('--devices', '2');
  expect(two.ready).toMatchObject({ apiKey: one.ready.apiKey, devices: one.ready.devices });
  const again = await sdkFor(two.ready.apiUrl, two.ready.apiKey);
  expect(await again.models.device.serviceVar.get(uuid, 'main', 'KEPT')).toBe('yes');
  await again.models.device.serviceVar.set(uuid, 'main', 'KEPT', 'no');
  two.child.kill('SIGTERM');
  expect(await once(two.child, 'close')).toEqual([0, null]);
  expect(two.output()).toBe(`variable KEPT changed for device ${uuid.slice(0, 7)}… (service main)\n`);
});

test('a port that is in use is one sentence and exit code 1', async () => {
  const { ready } = await start();
  const child = fork(program, ['--port', new URL(ready.apiUrl).port], { silent: true });
  children.push(child);
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(errors).toMatch(/^balena cannot start: port \d+ is in use by another program/);
});

test('a fleet that is no slug stops the start', async () => {
  const child = fork(program, ['--fleet', 'demo'], { silent: true });
  children.push(child);
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(errors).toContain('must be organization/name');
});
