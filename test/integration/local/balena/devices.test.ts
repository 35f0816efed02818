import { sdkFor, useBalena } from './useBalena.js';

const balena = await useBalena({ devices: 3 });
const { sdk, fleet, device } = balena;

test('a device can be registered through the SDK, and gets a key that says who it is', async () => {
  const uuid = sdk.models.device.generateUniqueKey();
  const { id, api_key } = await sdk.models.device.register(fleet, uuid);
  expect(await sdk.models.device.get(uuid, { $select: ['id', 'uuid'] })).toEqual({ id, uuid });
  const { body } = await balena.request('/actor/v1/whoami', {}, api_key);
  expect(body).toEqual({ id: expect.any(Number), actorType: 'device', actorTypeId: id, uuid });
  expect(balena.events).toContain(`device ${uuid.slice(0, 7)}… registered`);
});

test('a device can be registered with another device type of a compatible architecture', async () => {
  const uuid = sdk.models.device.generateUniqueKey();
  await sdk.models.device.register(fleet, uuid, 'generic-aarch64');
  const found = await sdk.models.device.get(uuid, { $expand: { is_of__device_type: { $select: 'slug' } } });
  expect(found.is_of__device_type).toEqual([{ slug: 'generic-aarch64' }]);
});

test('a uuid can have 62 digits, and not 40 or capitals', async () => {
  await sdk.models.device.register(fleet, 'a'.repeat(62));
  await expect(sdk.models.device.register(fleet, 'a'.repeat(40))).rejects.toMatchObject({ statusCode: 400 });
  await expect(sdk.models.device.register(fleet, 'A'.repeat(32))).rejects.toThrow('lower case hex string');
});

test('a uuid that is taken cannot be registered again', async () => {
  await expect(sdk.models.device.register(fleet, device.uuid)).rejects.toMatchObject({
    statusCode: 409,
    message: expect.stringContaining('"uuid" must be unique.'),
  });
});

test('device.get without $select answers all properties, with links as ids', async () => {
  const found = await sdk.models.device.get(device.uuid);
  expect(found).toMatchObject({
    uuid: device.uuid,
    is_active: true,
    is_online: false,
    note: null,
    belongs_to__application: { __id: expect.any(Number) },
  });
});

test('a device that does not exist is not found', async () => {
  await expect(sdk.models.device.get('0'.repeat(32))).rejects.toMatchObject({ code: 'BalenaDeviceNotFound' });
  expect((await balena.request(`/v7/device(uuid='${'0'.repeat(32)}')`)).body).toEqual({ d: [] });
});

test('the devices of a fleet are listed in two requests', async () => {
  await balena.counts();
  const listed = await sdk.models.device.getAllByApplication(fleet, { $select: 'uuid' });
  expect(listed.map(({ uuid }) => uuid)).toEqual(
    expect.arrayContaining(balena.devices.map(({ uuid }) => uuid)),
  );
  expect(await balena.counts()).toEqual({ 'GET /v7/application': { 200: 1 }, 'GET /v7/device': { 200: 1 } });
});

test('a device can be renamed and removed, and its key is worth nothing then', async () => {
  const { uuid, apiKey } = await balena.newDevice();
  await sdk.models.device.rename(uuid, 'my device');
  expect(await sdk.models.device.getName(uuid)).toBe('my device');
  await sdk.models.device.remove(uuid);
  expect(await sdk.models.device.has(uuid)).toBe(false);
  expect((await balena.request('/actor/v1/whoami', {}, apiKey)).status).toBe(401);
});

test('a fleet is found by slug, and has its services', async () => {
  expect(await sdk.models.application.get(fleet, { $select: ['slug', 'app_name'] })).toEqual({
    slug: fleet,
    app_name: 'demo',
  });
  const services = await sdk.models.service.getAllByApplication(fleet, { $select: 'service_name' });
  expect(services).toEqual([{ service_name: 'cloud-relay' }, { service_name: 'main' }]);
  await expect(sdk.models.application.get('local/none')).rejects.toMatchObject({
    code: 'BalenaApplicationNotFound',
  });
});

test('a fleet can be created through the SDK, and its slug only once', async () => {
  const create = () =>
    sdk.models.application.create({ name: 'Second', deviceType: 'intel-nuc', organization: 'local' });
  expect(await create()).toMatchObject({ slug: 'local/second', app_name: 'Second' });
  await expect(create()).rejects.toMatchObject({ statusCode: 409 });
  const { api_key } = await sdk.models.device.register('local/second', sdk.models.device.generateUniqueKey());
  expect(api_key).toHaveLength(32);
});

test('whoami tells users from fleets, and a provisioning key can register devices of its fleet, and nothing else', async () => {
  expect(await sdk.auth.getUserInfo()).toMatchObject({ username: 'local' });
  const key = await sdk.models.application.generateProvisioningKey({
    slugOrUuidOrId: fleet,
    keyExpiryDate: new Date(Date.now() + 60_000).toISOString(),
  });
  expect((await balena.request('/actor/v1/whoami', {}, key)).body).toMatchObject({
    actorType: 'application',
    slug: fleet,
  });
  const { id } = await sdk.models.application.get(fleet, { $select: 'id' });
  const register = (application: number) =>
    balena.request(
      '/device/register',
      {
        method: 'POST',
        body: JSON.stringify({ application, device_type: 'raspberrypi4-64', uuid: 'c'.repeat(32) }),
      },
      key,
    );
  expect((await register(id + 1)).status).toBe(401);
  expect((await register(id)).status).toBe(201);
  expect((await balena.request('/v7/device', {}, key)).status).toBe(401);
});

test('a provisioning key that has expired is worth nothing', async () => {
  const key = await sdk.models.application.generateProvisioningKey({
    slugOrUuidOrId: fleet,
    keyExpiryDate: new Date(Date.now() - 1000).toISOString(),
  });
  expect((await balena.request('/actor/v1/whoami', {}, key)).status).toBe(401);
});

test('a device key sees its own device only, and cannot remove it', async () => {
  const [, other] = balena.devices;
  const own = await sdkFor(balena.apiUrl, device.apiKey);
  const seen = await own.pine.get({ resource: 'device', options: { $select: 'uuid' } });
  expect(seen).toEqual([{ uuid: device.uuid }]);
  expect(await own.models.device.has(other!.uuid)).toBe(false);
  const fleets = await own.pine.get({
    resource: 'application',
    options: { $select: 'slug', $filter: { is_of__class: 'fleet' } },
  });
  expect(fleets).toEqual([{ slug: fleet }]);
  await expect(own.models.device.remove(device.uuid)).rejects.toMatchObject({ statusCode: 401 });
  await expect(own.models.device.register(fleet, 'd'.repeat(32))).rejects.toThrow('not of a user');
});

test('a key for a device can be made by a user', async () => {
  const key = await sdk.models.device.generateDeviceKey(device.uuid);
  expect((await balena.request('/actor/v1/whoami', {}, key)).body).toMatchObject({ uuid: device.uuid });
});

test('a wrong key is refused with 401', async () => {
  const wrong = await sdkFor(balena.apiUrl, 'wrong');
  await expect(wrong.models.device.get(device.uuid)).rejects.toMatchObject({
    code: 'BalenaRequestError',
    statusCode: 401,
  });
  expect(await wrong.auth.whoami()).toBeUndefined();
  expect((await fetch(new URL('/actor/v1/whoami', balena.apiUrl))).status).toBe(401);
});
