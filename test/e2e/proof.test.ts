import { join } from 'node:path';
import { readDocument } from '../../local/docs/documents.js';
import { runnableBlocks } from '../support/documentCommands.js';
import { waitFor } from '../support/waitFor.js';
import { untilStatus } from './support/provisionApi.js';
import { runCommands } from './support/runCommands.js';
import { runNode } from './support/runNode.js';
import { useSystem } from './support/useSystem.js';
import { event, newSecret, senderWith } from './support/webhooks.js';

const secret = newSecret();
const system = await useSystem({
  devices: 2,
  settings: { DEVICE_PROOF: 'required', FLEETS: 'local/demo', WEBHOOK_SECRETS: secret },
});
const { balena, call, stack } = system;
const { provisionKey, deprovisionKey, opsKey } = stack.endpoints.functions;

interface Device {
  uuid: string;
  apiKey: string;
}

async function newDevice(): Promise<Device> {
  const [device] = await balena.tell<Device[]>('POST /devices', {});
  if (!device) throw new Error('the balena simulator made no device');
  return device;
}

const ask = (uuid: string, key?: string, headers: Record<string, string> = {}) =>
  call('POST', '/api/provision', {
    key: provisionKey,
    body: { uuid, balena_service: 'main' },
    headers: { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...headers },
  });
/** The state of a device, read with its proof. */
const read = (uuid: string, key?: string) =>
  call('GET', `/api/provision/${uuid}`, {
    key: provisionKey,
    ...(key !== undefined && { headers: { authorization: `Bearer ${key}` } }),
  });
const isUnknown = async (uuid: string) =>
  (await call('GET', `/api/ops/records/${uuid}`, { key: opsKey })).status === 404;
/** Operators read states with a key of their own, and without a proof. */
const inState = (uuid: string, state: string) =>
  waitFor(`${uuid} is ${state}`, async () => (await system.ops.history(uuid)).device.state === state);
const whoamis = async () =>
  Object.entries((await balena.requested()).counts)
    .filter(([request]) => request.endsWith('/whoami'))
    .flatMap(([, counts]) => Object.values(counts))
    .reduce((sum, count) => sum + count, 0);

test('a device that proves itself with its own key is provisioned, and asks balena once a minute', async () => {
  const { uuid, apiKey } = await newDevice();
  await balena.forget();
  const since = Date.now();
  const first = await ask(uuid, apiKey);
  expect(first.status).toBe(202);
  for (let asks = 0; asks < 10; asks += 1) expect([202, 409]).toContain((await ask(uuid, apiKey)).status);
  expect((await ask(uuid.toUpperCase(), apiKey)).status).not.toBe(401);
  await inState(uuid, 'provisioned');
  await untilStatus(409, () => ask(uuid, apiKey));
  const checks = await whoamis();
  expect(checks).toBeGreaterThan(0);
  expect(checks).toBeLessThanOrEqual(1 + Math.floor((Date.now() - since) / 60_000));
});

test('the commands of docs/proof.md prove a device', async () => {
  const blocks = runnableBlocks(await readDocument('docs/proof.md'));
  expect(await runCommands(blocks, system.folder)).toMatch(/^HTTP\/1\.1 202 /);
  await inState(stack.endpoints.balena?.devices[1]?.uuid ?? '', 'provisioned');
});

test('a state is shown to the device itself, and to no other sender', async () => {
  const [{ uuid, apiKey }, other] = [await newDevice(), await newDevice()];
  await ask(uuid, apiKey);
  await inState(uuid, 'provisioned');
  expect((await read(uuid, apiKey)).json).toMatchObject({ uuid, state: 'provisioned' });
  for (const [key, code] of [
    [undefined, 'provision.proof-missing'],
    [other.apiKey, 'provision.proof-wrong'],
    ['f'.repeat(32), 'provision.proof-wrong'],
  ] as const) {
    const { status, json, text } = await read(uuid, key);
    expect({ status, code: json.code }).toEqual({ status: 401, code });
    expect(text).not.toContain('provisioned');
  }
  // Nobody learns whether a device exists.
  expect((await read('ab'.repeat(16))).json.code).toBe('provision.proof-missing');
});

describe('is refused, and nothing comes of it:', () => {
  test('who sends no proof', async () => {
    const { uuid } = await newDevice();
    const { status, json, headers } = await ask(uuid);
    expect({ status, code: json.code }).toEqual({ status: 401, code: 'provision.proof-missing' });
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(json.detail).toMatch(/io\.balena\.features\.balena-api/);
    expect(await isUnknown(uuid)).toBe(true);
  });

  const keys: [string, () => Promise<string> | string][] = [
    ["another device's key", async () => (await newDevice()).apiKey],
    ["a user's key", () => stack.endpoints.balena?.apiKey ?? ''],
    [
      "the fleet's key",
      async () => {
        const [fleet] = await balena.tell<{ provisioningKey: string }[]>('GET /fleets');
        return fleet?.provisioningKey ?? '';
      },
    ],
    ['a key that nobody has', () => 'f'.repeat(32)],
    ['the function key', () => provisionKey],
  ];
  test.each(keys)('who sends %s', async (_, key) => {
    const { uuid } = await newDevice();
    const given = await key();
    expect(given).toMatch(/\S{8}/);
    const { status, json } = await ask(uuid, given);
    expect({ status, code: json.code }).toEqual({ status: 401, code: 'provision.proof-wrong' });
    expect(json.detail).not.toContain(given);
    expect(await isUnknown(uuid)).toBe(true);
  });

  test('a device of a fleet that is not served', async () => {
    await balena.tell('POST /fleets', { slug: 'local/other', services: ['main'] });
    const [device] = await balena.tell<Device[]>('POST /devices', { fleet: 'local/other', count: 1 });
    const { uuid = '', apiKey = '' } = device ?? {};
    const { status, json } = await ask(uuid, apiKey);
    expect({ status, code: json.code }).toEqual({ status: 403, code: 'provision.fleet-not-served' });
    expect((await read(uuid, apiKey)).json.code).toBe('provision.fleet-not-served');
    expect(await isUnknown(uuid)).toBe(true);
  });

  test('a device that was deleted', async () => {
    const { uuid, apiKey } = await newDevice();
    await balena.removeDevice(uuid);
    expect((await ask(uuid, apiKey)).json.code).toBe('provision.fleet-not-served');
    expect(await isUnknown(uuid)).toBe(true);
  });

  test('a device that proves itself, and has no function key', async () => {
    const { uuid, apiKey } = await newDevice();
    const headers = { 'x-functions-key': 'wrong' };
    expect((await ask(uuid, apiKey, headers)).status).toBe(401);
    expect(await isUnknown(uuid)).toBe(true);
  });
});

test.each([
  ['is down', { status: 500 }],
  ['throttles us', { status: 429, headers: { 'Retry-After': '1' } }],
  ['breaks the connection', { reset: true as const }],
  ['hangs', { hang: true as const }],
])('while balena %s, it is a 503 and never a pass', async (_, fault) => {
  const { uuid, apiKey } = await newDevice();
  await balena.fault({ path: 'whoami', ...fault });
  for (const { status, json, headers } of await Promise.all([ask(uuid, apiKey), ask(uuid, 'f'.repeat(32))])) {
    expect(status).toBe(503);
    expect(json.code).toMatch(/^balena-(unavailable|throttled)$/);
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  }
  expect(await isUnknown(uuid)).toBe(true);
  await balena.noFaults();
  await waitFor('the device is accepted', async () => (await ask(uuid, apiKey)).status === 202);
});

test('a signed webhook needs no proof: its signature is one', async () => {
  const { uuid } = await newDevice();
  const { send } = senderWith(secret, system);
  expect((await send(event('created', uuid))).json).toMatchObject({ outcome: 'accepted' });
  await inState(uuid, 'provisioned');
});

test('to undo is for whoever has the key of "deprovision": a proof is no key for it, and it needs none', async () => {
  const { uuid, apiKey } = await newDevice();
  await ask(uuid, apiKey);
  await inState(uuid, 'provisioned');
  const headers = { authorization: `Bearer ${apiKey}` };
  for (const key of [undefined, provisionKey]) {
    const options = key === undefined ? { headers } : { headers, key };
    expect((await call('DELETE', `/api/provision/${uuid}`, options)).status).toBe(401);
  }
  await inState(uuid, 'provisioned');
  expect((await call('DELETE', `/api/provision/${uuid}`, { key: deprovisionKey })).status).toBe(202);
  await inState(uuid, 'deprovisioned');
});

test('npm run device proves that it is the device that it plays', async () => {
  const endpoints = ['--endpoints', join(system.folder, 'endpoints.json')];
  for (const which of [[], ['--new']]) {
    const run = runNode('local/device/main.js', [...endpoints, ...which, '--messages', '1']);
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.output()).toMatch(/202 accepted[\s\S]*is connected[\s\S]*sent telemetry 1 of 1/);
  }
});

test('npm run device says in one sentence why a device without a key of its own is refused', async () => {
  const { uuid } = await newDevice();
  const run = runNode('local/device/main.js', [
    '--endpoints',
    join(system.folder, 'endpoints.json'),
    '--uuid',
    uuid,
  ]);
  expect(await run.ended).toEqual({ code: 1, signal: null });
  expect(run.output()).toMatch(/The device gives up: The device must prove its identity.*\(401\)\n$/);
});
