import { waitFor } from '../../../support/waitFor.js';
import { sdkFor, useBalena } from './useBalena.js';

const balena = await useBalena();
const { sdk, control, newDevice } = balena;
const { serviceVar } = sdk.models.device;

interface Install {
  installs__service: { service_name: string; application: { slug: string }[] }[];
}

/** The installs of a device, as `application service`. */
async function installsOf(uuid: string, using = sdk): Promise<string[]> {
  const rows = await using.pine.get({
    resource: 'service_install',
    options: {
      $select: 'id',
      $filter: { device: { $any: { $alias: 'd', $expr: { d: { uuid } } } } },
      $expand: {
        installs__service: { $select: 'service_name', $expand: { application: { $select: 'slug' } } },
      },
    },
  } as never);
  return (rows as unknown as Install[]).flatMap(({ installs__service }) =>
    installs__service.map(({ service_name, application }) => `${application[0]?.slug} ${service_name}`),
  );
}

const report = (apiKey: string, id: number, body: object) =>
  balena.request(`/v7/device(${id})`, { method: 'PATCH', body: JSON.stringify(body) }, apiKey);
const ofFleet = ['local/demo cloud-relay', 'local/demo main'];
const ofHost = 'balena_os/raspberrypi4-64 main';
const ofSupervisor = 'balena_os/aarch64-supervisor balena-supervisor';

test('a device has the services of its fleet, and those of host OS and supervisor after its own report', async () => {
  const { uuid, apiKey } = await newDevice();
  const { id } = await sdk.models.device.get(uuid, { $select: 'id' });
  expect(await installsOf(uuid)).toEqual(ofFleet);
  await report(apiKey, id, { os_version: 'balenaOS 6.0.24' });
  expect(await installsOf(uuid)).toEqual(ofFleet);
  await report(apiKey, id, { os_version: 'balenaOS 6.0.24', os_variant: 'prod' });
  expect(await installsOf(uuid)).toEqual([...ofFleet, ofHost]);
  await report(apiKey, id, { supervisor_version: '16.4.6' });
  expect(await installsOf(uuid)).toEqual([...ofFleet, ofHost, ofSupervisor]);
  // The device sees the same.
  expect(await installsOf(uuid, await sdkFor(balena.apiUrl, apiKey))).toEqual([
    ...ofFleet,
    ofHost,
    ofSupervisor,
  ]);
});

test('the SDK, which names services without their application, calls a device with a host OS ambiguous', async () => {
  const { uuid } = await newDevice();
  await serviceVar.set(uuid, 'main', 'A', '1');
  await control('PUT', `/devices/${uuid}/report`, {});
  await expect(serviceVar.set(uuid, 'main', 'A', '2')).rejects.toThrow('ambiguous');
});

test('variables of another application are not listed as variables of the service with that name', async () => {
  const { uuid } = await newDevice();
  await control('PUT', `/devices/${uuid}/report`, {});
  const put = (application: string | undefined, value: string) =>
    control('PUT', `/devices/${uuid}/variables`, { application, service: 'main', variables: { A: value } });
  await put(undefined, 'own');
  await put('balena_os/raspberrypi4-64', 'foreign');
  expect((await control('GET', `/devices/${uuid}`)).body).toMatchObject({
    variables: { main: { A: 'own' } },
    foreignVariables: { 'balena_os/raspberrypi4-64': { main: { A: 'foreign' } } },
  });
});

test('a new release brings its services to the devices, and not to pinned devices', async () => {
  await control('POST', '/fleets', { slug: 'acme/pumps', services: ['one'] });
  const { body: devices } = await control('POST', '/devices', { fleet: 'acme/pumps', count: 2 });
  const [tracking, pinned] = devices.map(({ uuid }: { uuid: string }) => uuid);
  const [release] = (await balena.request('/v7/release?$select=id&$orderby=id desc&$top=1')).body.d;
  const { id } = await sdk.models.device.get(pinned, { $select: 'id' });
  await report(balena.apiKey, id, { is_pinned_on__release: release.id });
  await control('POST', '/releases', { fleet: 'acme/pumps', services: ['one', 'two'] });
  expect(await installsOf(tracking)).toEqual(['acme/pumps one', 'acme/pumps two']);
  expect(await installsOf(pinned)).toEqual(['acme/pumps one']);
  await report(balena.apiKey, id, { is_pinned_on__release: null });
  expect(await installsOf(pinned)).toEqual(['acme/pumps one', 'acme/pumps two']);
});

test('the installs of a fleet go with their variables when the device moves, and those of the host OS stay', async () => {
  await control('POST', '/fleets', { slug: 'acme/valves', services: ['main', 'valve'] });
  const { uuid } = await newDevice();
  await control('PUT', `/devices/${uuid}/report`, {});
  await control('PUT', `/devices/${uuid}/variables`, { service: 'main', variables: { A: '1' } });
  await control('PUT', `/devices/${uuid}/variables`, { variables: { B: '2' } });
  await sdk.models.device.move(uuid, 'acme/valves');
  expect((await installsOf(uuid)).sort()).toEqual(
    ['acme/valves main', 'acme/valves valve', ofHost, ofSupervisor].sort(),
  );
  expect((await control('GET', `/devices/${uuid}`)).body).toMatchObject({
    fleet: 'acme/valves',
    variables: { '': { B: '2' } },
  });
});

test('installs can come late: until then they are neither seen nor written', async () => {
  await control('PUT', '/installs', { lateMs: 3_600_000 });
  const { uuid } = await newDevice();
  expect(await installsOf(uuid)).toEqual([]);
  expect((await control('GET', '/installs')).body).toEqual({ lateMs: 3_600_000 });
  await control('PUT', '/installs', { lateMs: 300 });
  await waitFor('the installs are there', async () => (await installsOf(uuid)).length === 2);
  await control('PUT', '/installs', { lateMs: 0 });
  const other = await newDevice();
  expect(await installsOf(other.uuid)).toHaveLength(2);
});

test('a fleet gets another slug with another name, in lower case, and service names keep their case', async () => {
  const { id } = await sdk.models.application.create({
    name: 'FleetTwo',
    deviceType: 'intel-nuc',
    organization: 'local',
  });
  await sdk.models.application.rename('local/fleettwo', 'FleetThree');
  expect(await sdk.models.application.get(id, { $select: ['slug', 'app_name'] })).toMatchObject({
    slug: 'local/fleetthree',
    app_name: 'FleetThree',
  });
  await control('POST', '/releases', { fleet: 'local/fleetthree', services: ['Main', 'main'] });
  const services = await sdk.models.service.getAllByApplication(id, { $select: 'service_name' });
  expect(services.map(({ service_name }) => service_name)).toEqual(['Main', 'main']);
});
