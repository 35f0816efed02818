import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { openBalenaClient } from '../../../src/balena/client.js';
import type { ScopedVariables } from '../../../src/balena/types.js';
import { thrownBy } from '../../support/thrownBy.js';
import { useBalena } from '../local/balena/useBalena.js';

const stand = await useBalena();
const { apiUrl, apiKey, counts, device, newDevice, control } = stand;
/** The default folder of the SDK for a key. */
const storedToken = () => {
  const file = join(homedir(), '.balena', 'token');
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
};
const before = storedToken();
const balena = openBalenaClient({ apiUrl, apiKey, callTimeoutMs: 60_000 });

const variables = async (uuid: string) => (await control('GET', `/devices/${uuid}`)).body.variables;
const setVariables = (uuid: string, service: string, given: Record<string, string>) =>
  control('PUT', `/devices/${uuid}/variables`, { service, variables: given });
const find = async (uuid: string) => {
  const device = await balena.findDevice(uuid);
  if (!device) throw new Error(`balena does not know ${uuid}`);
  return device;
};

test('a device that balena does not show to our key is null, after one request', async () => {
  await counts();
  expect(await balena.findDevice('0'.repeat(32))).toBeNull();
  expect(await counts()).toEqual({ 'GET /v7/device': { 200: 1 } });
});

test('one request returns the fleet, every variable scope, and our variables in each scope', async () => {
  const { uuid } = await newDevice();
  await setVariables(uuid, '', { AZURE_CERT: 'c0', OTHER: 'x' });
  await setVariables(uuid, 'main', { AZURE_CERT: 'c1', AZURE_PRIVATE_KEY: 'k1' });
  await counts();
  const { fleet, scopes } = await find(uuid);
  expect(await counts()).toEqual({ 'GET /v7/device': { 200: 1 } });
  expect(fleet).toBe('local/demo');
  expect([...scopes.keys()]).toEqual(['', 'cloud-relay', 'main']);
  const values = (scope: string) =>
    Object.fromEntries(
      Object.entries(scopes.get(scope)!.variables).map(([name, { value }]) => [name, value]),
    );
  expect(values('')).toEqual({ AZURE_CERT: 'c0' });
  expect(values('cloud-relay')).toEqual({});
  expect(values('main')).toEqual({ AZURE_CERT: 'c1', AZURE_PRIVATE_KEY: 'k1' });
});

test('a service of the host OS with the same name is not a scope, but its variables are found and can be removed', async () => {
  const { uuid } = await newDevice();
  await control('PUT', `/devices/${uuid}/report`, {});
  await setVariables(uuid, 'main', { AZURE_CERT: 'own' });
  const hostOs = { application: 'balena_os/raspberrypi4-64', service: 'main' };
  const set = (given: Record<string, string>) =>
    control('PUT', `/devices/${uuid}/variables`, { ...hostOs, variables: given });
  await set({ AZURE_CERT: 'left', AZURE_PRIVATE_KEY: 'left', OTHER: 'x' });
  await counts();
  const { scopes, foreignServices } = await find(uuid);
  expect(await counts()).toEqual({ 'GET /v7/device': { 200: 1 } });
  expect([...scopes.keys()].sort()).toEqual(['', 'cloud-relay', 'main']);
  expect(scopes.get('main')?.variables.AZURE_CERT?.value).toBe('own');
  expect(foreignServices).toEqual([
    {
      name: 'main',
      variables: {
        AZURE_CERT: { id: expect.any(Number), value: 'left' },
        AZURE_PRIVATE_KEY: { id: expect.any(Number), value: 'left' },
      },
    },
  ]);

  for (const variable of Object.values(foreignServices[0]!.variables)) await balena.remove('main', variable);
  expect((await control('GET', `/devices/${uuid}`)).body).toMatchObject({
    variables: { main: { AZURE_CERT: 'own' } },
    foreignVariables: { 'balena_os/raspberrypi4-64': { main: { OTHER: 'x' } } },
  });
});

test('public applications, such as the host OS, do not count as fleets of a key', async () => {
  expect(await balena.seesFleet(null)).toBe(true);
  const { apiKey: blind } = (await control('POST', '/keys', {})).body;
  expect(await openBalenaClient({ apiUrl, apiKey: blind }).seesFleet(null)).toBe(false);
});

test.each(['', 'main'])(
  'at "%s" a variable is stored anew and changed with one request each',
  async (scope) => {
    const { uuid } = await newDevice();
    const resource = scope === '' ? 'device_environment_variable' : 'device_service_environment_variable';
    const { scopes } = await find(uuid);
    await counts();
    await balena.store(scope, scopes.get(scope)!, 'AZURE_CERT', 'first');
    expect(await counts()).toEqual({ [`POST /v7/${resource}`]: { 201: 1 } });
    expect((await variables(uuid))[scope]).toEqual({ AZURE_CERT: 'first' });

    const again = await find(uuid);
    await counts();
    await balena.store(scope, again.scopes.get(scope)!, 'AZURE_CERT', 'second');
    expect(await counts()).toEqual({ [`PATCH /v7/${resource}({id})`]: { 200: 1 } });
    expect((await variables(uuid))[scope]).toEqual({ AZURE_CERT: 'second' });
  },
);

test.each(['', 'main'])(
  'at "%s" a variable is removed with one request, and nothing else is',
  async (scope) => {
    const { uuid } = await newDevice();
    await setVariables(uuid, '', { AZURE_CERT: 'c', AZURE_PRIVATE_KEY: 'k' });
    await setVariables(uuid, 'main', { AZURE_CERT: 'c', AZURE_PRIVATE_KEY: 'k' });
    const { scopes } = await find(uuid);
    await counts();
    await balena.remove(scope, scopes.get(scope)!.variables.AZURE_CERT!);
    expect(Object.values(await counts())).toEqual([{ 200: 1 }]);
    const both = { AZURE_CERT: 'c', AZURE_PRIVATE_KEY: 'k' };
    const left = await variables(uuid);
    expect([left[''], left.main]).toEqual(
      scope === '' ? [{ AZURE_PRIVATE_KEY: 'k' }, both] : [both, { AZURE_PRIVATE_KEY: 'k' }],
    );
  },
);

describe.each(['', 'main'])('adding a variable at "%s"', (scope) => {
  const added = (value: string, scopedVariables: ScopedVariables) =>
    balena.add(scope, scopedVariables, 'AZURE_CERT', value);
  afterEach(() => control('PUT', `/keys/${apiKey}`, null));

  test('returns the new row, with one request, and null for a row that exists', async () => {
    const { uuid } = await newDevice();
    const found = (await find(uuid)).scopes.get(scope)!;
    await counts();
    const row = await added('first', found);
    expect(Object.values(await counts())).toEqual([{ 201: 1 }]);
    expect((await find(uuid)).scopes.get(scope)!.variables).toEqual({ AZURE_CERT: row });
    expect(await added('second', found)).toBeNull();
    expect((await find(uuid)).scopes.get(scope)!.variables).toEqual({ AZURE_CERT: row });
  });

  test('is refused without the right to write, also if the row exists; a change answers 200 without effect', async () => {
    const { uuid } = await newDevice();
    const before = (await find(uuid)).scopes.get(scope)!;
    await added('first', before);
    await control('PUT', `/keys/${apiKey}`, { reads: ['local/demo'], writes: [] });
    const found = (await find(uuid)).scopes.get(scope)!;
    await balena.store(scope, found, 'AZURE_CERT', 'second');
    expect((await find(uuid)).scopes.get(scope)!.variables.AZURE_CERT?.value).toBe('first');
    expect(await thrownBy(added('second', found))).toMatchObject({ code: 'balena-write-refused' });
    expect(
      await thrownBy(added('second', (await find(uuid)).scopes.get(scope && 'cloud-relay')!)),
    ).toMatchObject({
      code: 'balena-write-refused',
    });
  });
});

test('a device that has just gone, and a service that has just gone, are named as such', async () => {
  const { uuid } = await newDevice();
  const { scopes } = await find(uuid);
  await control('DELETE', `/devices/${uuid}`);
  expect(await thrownBy(balena.store('', scopes.get('')!, 'AZURE_CERT', 'c'))).toMatchObject({
    code: 'balena-conflict',
    message: expect.stringContaining('have just changed in balena (409)'),
  });
  expect(await thrownBy(balena.store('main', scopes.get('main')!, 'AZURE_CERT', 'c'))).toMatchObject({
    code: 'balena-write-refused',
    message: expect.stringContaining('or the service has just been removed'),
  });
});

test('a ping is one request about no device', async () => {
  await counts();
  await balena.ping(10_000);
  expect(await counts()).toEqual({ 'GET /actor/v1/whoami': { 200: 1 } });
});

test('that a variable is gone already is fine', async () => {
  await expect(balena.remove('', { id: 999_999, value: 'x' })).resolves.toBeUndefined();
});

test('a fleet is seen by its slug, and any fleet when none is named, with one request', async () => {
  await counts();
  expect(await balena.seesFleet('local/demo')).toBe(true);
  expect(await counts()).toEqual({ 'GET /v7/application': { 200: 1 } });
  expect(await balena.seesFleet(null)).toBe(true);
  expect(await balena.seesFleet('local/other')).toBe(false);
  await control('POST', '/fleets', { slug: 'local/public', services: [], isPublic: true });
  // A public fleet does not make its devices public.
  expect(await balena.seesFleet('local/public')).toBe(false);
  await control('POST', '/devices', { fleet: 'local/public' });
  expect(await balena.seesFleet('local/public')).toBe(true);
});

test('nothing is written into the home directory', async () => {
  const own = openBalenaClient({ apiUrl, apiKey: device.apiKey });
  await own.seesFleet(null);
  expect(storedToken()).toBe(before);
});
