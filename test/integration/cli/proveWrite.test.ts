import { proofVariable, proveWrite, visibleFleets } from '../../../cli/doctor/proveWrite.js';
import { useBalena } from '../local/balena/useBalena.js';

const { apiUrl, apiKey, counts, device, control, fleet } = await useBalena({ reported: true });
const options = { apiUrl, apiKey };
const proven = { fleet, device: { uuid: device.uuid, isOnline: false }, missing: null };
const readOnly = { reads: [fleet] };

const setRights = (rights: object | null) => control('PUT', `/keys/${apiKey}`, rights);
const variables = async () => (await control('GET', `/devices/${device.uuid}`)).body;
const leave = (service: string) =>
  control('PUT', `/devices/${device.uuid}/variables`, { service, variables: { [proofVariable]: '1' } });
beforeEach(() => setRights(null));

test('the right is proven at the device level and at a service of the fleet, and nothing is left', async () => {
  const before = await variables();
  await counts();
  expect(await proveWrite(options, fleet)).toEqual(proven);
  expect(await counts()).toMatchObject({
    'POST /v7/device_environment_variable': { 201: 1 },
    'POST /v7/device_service_environment_variable': { 201: 1 },
    'PATCH /v7/device_environment_variable({id})': { 200: 1 },
    'PATCH /v7/device_service_environment_variable({id})': { 200: 1 },
    'DELETE /v7/device_environment_variable({id})': { 200: 1 },
    'DELETE /v7/device_service_environment_variable({id})': { 200: 1 },
  });
  expect(await variables()).toEqual(before);
});

test('a key that may read the fleet and not write it is found', async () => {
  await setRights(readOnly);
  expect(await proveWrite(options, fleet)).toEqual({ ...proven, missing: 'create' });
});

test.each([
  ['change', 'PATCH'],
  ['remove', 'DELETE'],
])(
  'a key that may not %s variables is found: %s is answered with 200 and has no effect',
  async (missing, method) => {
    const before = await variables();
    await control('POST', '/faults', { method, status: 200, effect: 'none', body: '' });
    expect(await proveWrite(options, fleet)).toEqual({ ...proven, missing });
    // The next proof meets what the first proof could not remove.
    expect(await proveWrite(options, fleet)).toEqual({ ...proven, missing });
    await control('DELETE', '/faults');
    expect(await proveWrite(options, fleet)).toEqual(proven);
    expect(await variables()).toEqual(before);
  },
);

test('a variable of an interrupted proof is removed by the next one, on every device of the fleet', async () => {
  const before = await variables();
  await leave('');
  await leave('main');
  expect(await proveWrite(options, fleet)).toEqual(proven);
  expect(await variables()).toEqual(before);
});

test('a variable of an interrupted proof that the key may not remove any more is found', async () => {
  await leave('');
  await setRights(readOnly);
  expect(await proveWrite(options, fleet)).toMatchObject({ missing: 'remove' });
  await setRights(null);
  expect(await proveWrite(options, fleet)).toEqual(proven);
});

test('without a device nothing is proven', async () => {
  await control('POST', '/fleets', { slug: 'acme/empty', services: ['main'] });
  expect(await proveWrite(options, 'acme/empty')).toEqual({
    fleet: 'acme/empty',
    device: null,
    missing: null,
  });
});

test('the fleets of the key are its own, and neither the host OS nor the fleets of others', async () => {
  expect(await visibleFleets(options)).toContain(fleet);
  expect((await visibleFleets(options)).every((slug) => !slug.startsWith('balena_os/'))).toBe(true);
  await setRights(readOnly);
  expect(await visibleFleets(options)).toEqual([fleet]);
});

test('balena-unavailable is thrown if balena does not answer', async () => {
  await expect(proveWrite({ apiUrl: 'http://127.0.0.1:1/', apiKey }, fleet)).rejects.toMatchObject({
    code: 'balena-unavailable',
  });
});
