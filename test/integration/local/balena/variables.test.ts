import { sdkFor, useBalena } from './useBalena.js';

const balena = await useBalena({ devices: 2 });
const { sdk, device } = balena;
const { envVar, serviceVar } = sdk.models.device;

const id = (await sdk.models.device.get(device.uuid, { $select: 'id' })).id;

test('a device variable can be set, read, listed, changed and removed', async () => {
  await envVar.set(device.uuid, 'COLOUR', 'red');
  await envVar.set(device.uuid, 'COLOUR', 'blue');
  expect(await envVar.get(device.uuid, 'COLOUR')).toBe('blue');
  expect(await envVar.getAllByDevice(device.uuid, { $select: ['name', 'value'] })).toEqual([
    { name: 'COLOUR', value: 'blue' },
  ]);
  expect(await envVar.getAllByApplication(balena.fleet, { $select: 'name' })).toEqual([{ name: 'COLOUR' }]);
  await envVar.remove(device.uuid, 'COLOUR');
  expect(await envVar.get(device.uuid, 'COLOUR')).toBeUndefined();
});

test('a variable of one service is not that of another, nor of the device', async () => {
  await serviceVar.set(device.uuid, 'main', 'SIZE', '1');
  await serviceVar.set(device.uuid, 'main', 'SIZE', '2');
  expect(await serviceVar.get(device.uuid, 'main', 'SIZE')).toBe('2');
  expect(await serviceVar.get(device.uuid, 'cloud-relay', 'SIZE')).toBeUndefined();
  expect(await envVar.get(device.uuid, 'SIZE')).toBeUndefined();
  expect(await serviceVar.getAllByDevice(device.uuid, { $select: 'name' })).toEqual([{ name: 'SIZE' }]);
  expect(await serviceVar.getAllByApplication(balena.fleet, { $select: 'name' })).toEqual([{ name: 'SIZE' }]);
  await serviceVar.remove(device.uuid, 'main', 'SIZE');
  expect(await serviceVar.get(device.uuid, 'main', 'SIZE')).toBeUndefined();
});

test('an unknown service is an error', async () => {
  await expect(serviceVar.set(device.uuid, 'nope', 'A', 'b')).rejects.toMatchObject({
    code: 'BalenaServiceNotFound',
  });
});

test('setting costs one request for a new device variable by id, two for one that exists', async () => {
  await balena.counts();
  await envVar.set(id, 'COST', '1');
  expect(await balena.counts()).toEqual({ 'POST /v7/device_environment_variable': { 201: 1 } });
  await envVar.set(id, 'COST', '2');
  expect(await balena.counts()).toEqual({
    'POST /v7/device_environment_variable': { 409: 1 },
    'PATCH /v7/device_environment_variable': { 200: 1 },
  });
});

test('a second POST of the same name is refused with 409, in the words of balena', async () => {
  const body = { device: id, name: 'TWICE', value: '1' };
  await sdk.pine.post({ resource: 'device_environment_variable', body });
  await expect(sdk.pine.post({ resource: 'device_environment_variable', body })).rejects.toMatchObject({
    statusCode: 409,
    message: expect.stringContaining('"device" and "name" must be unique.'),
  });
  const { status, body: text } = await balena.request('/v7/device_environment_variable', {
    method: 'POST',
    body: JSON.stringify(body),
  });
  expect([status, text]).toEqual([409, '"device" and "name" must be unique.']);
});

test('a row can be changed and removed by its id', async () => {
  const row = await sdk.pine.post({
    resource: 'device_environment_variable',
    body: { device: id, name: 'BY_ID', value: '1' },
  });
  expect(row).toMatchObject({ id: expect.any(Number), name: 'BY_ID', value: '1', device: { __id: id } });
  await sdk.pine.patch({ resource: 'device_environment_variable', id: row.id, body: { value: '2' } });
  expect(await envVar.get(id, 'BY_ID')).toBe('2');
  await sdk.pine.delete({ resource: 'device_environment_variable', id: row.id });
  expect(await envVar.get(id, 'BY_ID')).toBeUndefined();
});

test('a PATCH or DELETE that matches nothing answers 200 and changes nothing', async () => {
  const path = '/v7/device_environment_variable(999999)';
  expect((await balena.request(path, { method: 'PATCH', body: '{"value":"x"}' })).status).toBe(200);
  expect((await balena.request(path, { method: 'DELETE' })).status).toBe(200);
});

test.each([
  ['line\nbreak', 'Variable values cannot contain line break characters'],
  ['line\rbreak', 'Variable values cannot contain line break characters'],
  [
    'x'.repeat(100_001),
    'It is necessary that each device environment variable has a value that has a Length (Type) that is less than or equal to 100000.',
  ],
])('a value with a line break or of more than 100,000 characters is refused (%#)', async (value, message) => {
  await expect(envVar.set(id, 'VALUE', value)).rejects.toMatchObject({
    statusCode: 400,
    message: expect.stringContaining(message),
  });
});

test('a value of 100,000 characters is taken', async () => {
  await envVar.set(id, 'LONG', 'x'.repeat(100_000));
  expect(await envVar.get(id, 'LONG')).toHaveLength(100_000);
});

test.each(['1A', 'A-B', 'A B', 'RESIN_A', 'BALENA_A', 'BALENA', 'USER', 'A'.repeat(256)])(
  'the name %s is refused with 400',
  async (name) => {
    await expect(envVar.set(id, name, 'x')).rejects.toMatchObject({ statusCode: 400 });
    await expect(serviceVar.set(id, 'main', name, 'x')).rejects.toMatchObject({ statusCode: 400 });
  },
);

test('a name of more than 255 characters is refused without a text', async () => {
  const body = JSON.stringify({ device: id, name: 'A'.repeat(256), value: 'x' });
  expect(await balena.request('/v7/device_environment_variable', { method: 'POST', body })).toMatchObject({
    status: 400,
    body: '',
  });
});

test('a variable of a device that has gone is refused with 409, and of a service install that has gone with 401', async () => {
  const post = (resource: string, body: object) =>
    balena.request(`/v7/${resource}`, {
      method: 'POST',
      body: JSON.stringify({ name: 'A', value: 'b', ...body }),
    });
  expect(await post('device_environment_variable', { device: 999_999 })).toMatchObject({
    status: 409,
    body: 'Data is referenced by device.',
  });
  expect(await post('device_service_environment_variable', { service_install: 999_999 })).toMatchObject({
    status: 401,
    body: '',
  });
});

test('a second POST of the same variable of a service names device, service and name', async () => {
  const { body: found } = await balena.request(
    `/v7/service_install?$filter=device eq ${id}&$select=id&$top=1`,
  );
  const body = JSON.stringify({ service_install: found.d[0].id, name: 'SECOND', value: '1' });
  const post = () => balena.request('/v7/device_service_environment_variable', { method: 'POST', body });
  expect((await post()).status).toBe(201);
  expect(await post()).toMatchObject({
    status: 409,
    body: '"device" and "service" and "name" must be unique.',
  });
});

test('a missing value, and one that is not text, are refused with 400', async () => {
  const post = (body: unknown) =>
    balena.request('/v7/device_environment_variable', { method: 'POST', body: JSON.stringify(body) });
  expect(await post({ device: id, name: 'A' })).toMatchObject({
    status: 400,
    body: '"value" cannot be null.',
  });
  expect((await post({ device: id, name: 'A', value: 5 })).status).toBe(400);
  expect((await post({ device: id, name: 'A', value: 'b', colour: 'red' })).status).toBe(500);
  expect((await post([])).status).toBe(400);
});

test('a device key can write variables of its own device, and not of another', async () => {
  const other = balena.devices[1]!;
  const own = await sdkFor(balena.apiUrl, device.apiKey);
  await own.models.device.envVar.set(id, 'OWN', '1');
  expect(await own.models.device.envVar.get(device.uuid, 'OWN')).toBe('1');
  const { id: otherId } = await sdk.models.device.get(other.uuid, { $select: 'id' });
  await envVar.set(otherId, 'THEIRS', '1');
  const body = { device: otherId, name: 'OWN', value: '1' };
  await expect(own.pine.post({ resource: 'device_environment_variable', body })).rejects.toMatchObject({
    statusCode: 401,
  });
  const path = `/v7/device_environment_variable?$filter=device%20eq%20${otherId}`;
  expect((await balena.request(path, { method: 'DELETE' }, device.apiKey)).status).toBe(200);
  expect(await envVar.get(otherId, 'THEIRS')).toBe('1');
});

test('events name the variable, the device and the service, and never a value', async () => {
  balena.events.length = 0;
  await serviceVar.set(device.uuid, 'main', 'SECRET', 'hush');
  await serviceVar.set(device.uuid, 'main', 'SECRET', 'hush hush');
  await serviceVar.remove(device.uuid, 'main', 'SECRET');
  const who = `device ${device.uuid.slice(0, 7)}… (service main)`;
  expect(balena.events).toEqual([
    `variable SECRET stored for ${who}`,
    `variable SECRET changed for ${who}`,
    `variable SECRET removed from ${who}`,
  ]);
});
