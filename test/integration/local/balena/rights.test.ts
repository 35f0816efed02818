import { useBalena } from './useBalena.js';

const balena = await useBalena({ reported: true });
const { control, device, fleet } = balena;
await control('POST', '/fleets', { slug: 'acme/other', services: ['main'] });
const { body: others } = await control('POST', '/devices', { fleet: 'acme/other' });
const { apiKey: reader } = (await control('POST', '/keys', { reads: [fleet] })).body;
const variables = { service: 'main', variables: { A: 'old' } };
await control('PUT', `/devices/${device.uuid}/variables`, variables);

const get = async (path: string, key: string) => (await balena.request(`/v7/${path}`, {}, key)).body.d;
const currentVariables = async () => (await control('GET', `/devices/${device.uuid}`)).body.variables.main;
const send = (method: string, path: string, body: object | undefined, key: string) =>
  balena.request(`/v7/${path}`, { method, ...(body && { body: JSON.stringify(body) }) }, key);
const row = (await get("device_service_environment_variable?$filter=name eq 'A'", balena.apiKey))[0];

describe('a key that reads a fleet and may not write it', () => {
  test('sees the devices of that fleet only', async () => {
    expect(await get('device?$select=uuid', reader)).toEqual([{ uuid: device.uuid }]);
    expect(await get(`device?$filter=uuid eq '${others[0].uuid}'`, reader)).toEqual([]);
    const fleets = await get("application?$select=slug&$filter=is_of__class eq 'fleet'", reader);
    expect(fleets).toEqual([{ slug: fleet }]);
  });

  test('gets 200 without a body for PATCH and DELETE, and nothing is changed', async () => {
    const path = `device_service_environment_variable(${row.id})`;
    expect(await send('PATCH', path, { value: 'new' }, reader)).toMatchObject({ status: 200, body: '' });
    expect(await send('DELETE', path, undefined, reader)).toMatchObject({ status: 200, body: '' });
    expect(await currentVariables()).toEqual({ A: 'old' });
  });

  test('gets 401 for POST', async () => {
    const body = { service_install: row.service_install.__id, name: 'B', value: 'x' };
    expect((await send('POST', 'device_service_environment_variable', body, reader)).status).toBe(401);
    const { id } = (await get('device', reader))[0];
    const atDevice = { device: id, name: 'B', value: 'x' };
    expect((await send('POST', 'device_environment_variable', atDevice, reader)).status).toBe(401);
  });

  test('may write after the right has been given, and every key has all rights at first', async () => {
    const path = `device_service_environment_variable(${row.id})`;
    await control('PUT', `/keys/${reader}`, { writes: [fleet] });
    await send('PATCH', path, { value: 'new' }, reader);
    expect(await currentVariables()).toEqual({ A: 'new' });
    await control('PUT', `/keys/${reader}`, { reads: [fleet] });
    await send('PATCH', path, { value: 'newer' }, reader);
    expect(await currentVariables()).toEqual({ A: 'new' });
  });

  test('and a key can lose its rights, and get all of them back', async () => {
    const path = `device_service_environment_variable(${row.id})`;
    await control('PUT', `/keys/${balena.apiKey}`, { reads: [fleet] });
    await send('PATCH', path, { value: 'lost' }, balena.apiKey);
    await control('PUT', `/keys/${balena.apiKey}`, null);
    expect(await currentVariables()).toEqual({ A: 'new' });
    await send('PATCH', path, { value: 'back' }, balena.apiKey);
    expect(await currentVariables()).toEqual({ A: 'back' });
  });
});

test('without a key, public applications are readable, and their devices are not', async () => {
  const guest = async (path: string) => (await fetch(new URL(path, balena.apiUrl))).status;
  expect(await guest("/v7/application?$filter=slug eq 'balena_os/raspberrypi4-64'")).toBe(200);
  expect(await guest('/v7/application?$expand=owns__device')).toBe(401);
  expect(await guest('/v7/device')).toBe(401);
  const answer = await fetch(new URL('/v7/application?$select=slug', balena.apiUrl));
  const { d } = (await answer.json()) as { d: { slug: string }[] };
  expect(d.map(({ slug }) => slug)).toContain('balena_os/raspberrypi4-64');
  expect(d.map(({ slug }) => slug)).not.toContain(fleet);
});

test('a wrong key gets 401 without a body', async () => {
  expect(await balena.request('/actor/v1/whoami', {}, 'wrong')).toMatchObject({ status: 401, body: '' });
});
