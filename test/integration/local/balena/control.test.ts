import { useBalena } from './useBalena.js';

const balena = await useBalena();
const { sdk, control, fleet } = balena;

test('fleets and devices are added in bulk', async () => {
  await control('POST', '/fleets', { slug: 'acme/pumps', services: ['relay'] });
  const { body } = await control('POST', '/devices', { fleet: 'acme/pumps', count: 500 });
  expect(body).toHaveLength(500);
  expect((await balena.request('/actor/v1/whoami', {}, body[499].apiKey)).body).toMatchObject({
    uuid: body[499].uuid,
  });
  expect((await control('GET', '/fleets')).body).toContainEqual({
    slug: 'acme/pumps',
    services: ['relay'],
    devices: 500,
    provisioningKey: expect.any(String),
  });
});

test('a service that is added to a fleet is installed on the devices that it has', async () => {
  const { uuid } = await balena.newDevice();
  await control('POST', '/fleets', { slug: fleet, services: ['late'] });
  await sdk.models.device.serviceVar.set(uuid, 'late', 'A', '1');
  expect((await control('GET', `/devices/${uuid}`)).body.variables).toEqual({ late: { A: '1' } });
});

test('devices can be added with given uuids, once', async () => {
  const uuids = ['e'.repeat(32), 'f'.repeat(62)];
  expect(
    (await control('POST', '/devices', { uuids })).body.map(({ uuid }: { uuid: string }) => uuid),
  ).toEqual(uuids);
  expect((await control('POST', '/devices', { uuids })).status).toBe(400);
  expect((await control('POST', '/devices', { uuids: ['E'.repeat(32)] })).body.error).toContain(
    'hexadecimal',
  );
});

test('variables are set and removed, and devices removed, without the API', async () => {
  const { uuid, apiKey } = await balena.newDevice();
  await control('PUT', `/devices/${uuid}/variables`, { variables: { A: '1', B: '2' } });
  await control('PUT', `/devices/${uuid}/variables`, { service: 'main', variables: { C: '3' } });
  await control('PUT', `/devices/${uuid}/variables`, { variables: { A: null, B: '4' } });
  expect((await control('GET', `/devices/${uuid}`)).body).toEqual({
    uuid,
    fleet,
    apiKey,
    variables: { '': { B: '4' }, main: { C: '3' } },
    foreignVariables: {},
  });
  expect(
    (await control('PUT', `/devices/${uuid}/variables`, { service: 'x', variables: {} })).body.error,
  ).toContain('service');
  await control('DELETE', `/devices/${uuid}`);
  expect(await sdk.models.device.has(uuid)).toBe(false);
  expect((await control('GET', `/devices/${uuid}`)).body.error).toContain('known device');
});

test('a wrong rate or fleet is refused with a message', async () => {
  expect((await control('PUT', '/throttle', { requestsPerMinute: -1 })).status).toBe(400);
  expect((await control('PUT', '/throttle', { rate: 5 })).body.error).toContain('requestsPerMinute');
  expect((await control('POST', '/fleets', { slug: 'nope' })).body.error).toContain('organization/name');
  expect((await control('POST', '/devices', { fleet: 'a/b' })).body.error).toContain('known fleet');
});

test('the variables after a known one are listed once, without values', async () => {
  const { uuid } = await balena.newDevice();
  const newest = async (after: number) => (await control('GET', `/variables?after=${after}`)).body;
  const before = (await newest(0)).at(-1)?.id ?? 0;
  await sdk.models.device.serviceVar.set(uuid, 'main', 'B', 'secret');
  await control('PUT', `/devices/${uuid}/variables`, { service: 'main', variables: { A: 'secret' } });
  await control('PUT', `/devices/${uuid}/variables`, { variables: { ON_THE_DEVICE: '1' } });
  const [first, second] = await newest(before);
  expect([first, second]).toEqual([
    { id: expect.any(Number), uuid, name: 'B' },
    { id: expect.any(Number), uuid, name: 'A' },
  ]);
  expect(await newest(first.id)).toEqual([second]);
  expect(await newest(second.id)).toEqual([]);
  expect((await control('GET', '/variables?after=x')).status).toBe(400);
});
