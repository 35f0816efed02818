import { useBalena } from './useBalena.js';

const balena = await useBalena({ devices: 31 });
const { sdk, fleet } = balena;

/** The product's request: the device, the fleet, one service by name, and the variables of service and device. */
const lookUp = (uuid: string, service: string) => {
  const variables = {
    $select: ['id', 'name', 'value'],
    $filter: { name: { $in: ['AZURE_CERT', 'AZURE_PRIVATE_KEY'] } },
  } as const;
  return sdk.pine.get({
    resource: 'device',
    id: { uuid },
    options: {
      $select: ['id', 'uuid'],
      $expand: {
        belongs_to__application: { $select: ['id', 'slug'] },
        device_environment_variable: variables,
        service_install: {
          $select: 'id',
          $filter: {
            installs__service: { $any: { $alias: 's', $expr: { s: { service_name: service } } } },
          },
          $expand: {
            installs__service: { $select: 'service_name' },
            device_service_environment_variable: variables,
          },
        },
      },
    },
  });
};

test('a fresh device costs three requests: one look, and two writes', async () => {
  const { uuid } = balena.device;
  await balena.counts();
  const found = await lookUp(uuid, 'main');
  const service_install = found?.service_install[0]?.id;
  expect(found).toEqual({
    id: expect.any(Number),
    uuid,
    belongs_to__application: [{ id: expect.any(Number), slug: fleet }],
    device_environment_variable: [],
    service_install: [
      {
        id: expect.any(Number),
        installs__service: [{ service_name: 'main' }],
        device_service_environment_variable: [],
      },
    ],
  });
  const write = (name: string, value: string) =>
    sdk.pine.post({
      resource: 'device_service_environment_variable',
      body: { service_install, name, value },
    });
  await Promise.all([write('AZURE_CERT', 'Y2VydA=='), write('AZURE_PRIVATE_KEY', 'a2V5')]);
  expect(await balena.counts()).toEqual({
    'GET /v7/device({id})': { 200: 1 },
    'POST /v7/device_service_environment_variable': { 201: 2 },
  });

  const again = await lookUp(uuid, 'main');
  const variables = again?.service_install[0]?.device_service_environment_variable;
  expect(variables?.map(({ name, value }) => [name, value])).toEqual([
    ['AZURE_CERT', 'Y2VydA=='],
    ['AZURE_PRIVATE_KEY', 'a2V5'],
  ]);
});

test('a service that the device does not have is an empty list', async () => {
  expect((await lookUp(balena.device.uuid, 'nope'))?.service_install).toEqual([]);
});

test('a device that does not exist is undefined', async () => {
  expect(await lookUp('0'.repeat(32), 'main')).toBeUndefined();
});

test('one request lists the devices of a fleet that have no variables yet', async () => {
  const { id } = await sdk.models.application.get(fleet, { $select: 'id' });
  const done = balena.devices.slice(1, 11);
  for (const { uuid } of done)
    await balena.control('PUT', `/devices/${uuid}/variables`, { variables: { AZURE_CERT: 'x' } });
  await balena.counts();
  const list = (top: number) =>
    sdk.pine.get({
      resource: 'device',
      options: {
        $select: ['id', 'uuid'],
        $filter: {
          belongs_to__application: id,
          $not: {
            device_environment_variable: { $any: { $alias: 'v', $expr: { v: { name: 'AZURE_CERT' } } } },
          },
        },
        $orderby: { id: 'asc' },
        $top: top,
      },
    });
  const listed = await list(1000);
  expect(await balena.counts()).toEqual({ 'GET /v7/device': { 200: 1 } });
  expect(listed).toHaveLength(21);
  expect(listed.some(({ uuid }) => done.some((other) => other.uuid === uuid))).toBe(false);
  expect(await list(5)).toEqual(listed.slice(0, 5));
});

test('the same query with spaces in the address works too', async () => {
  const { id } = await sdk.models.application.get(fleet, { $select: 'id' });
  const filter = `belongs_to__application eq ${id} and not(device_environment_variable/any(v:v/name eq 'AZURE_CERT'))&$orderby=id asc&$top=1000`;
  const { status, body } = await balena.request(`/v7/device?$select=id,uuid&$filter=${filter}`);
  expect([status, body.d.length]).toEqual([200, 21]);
});
