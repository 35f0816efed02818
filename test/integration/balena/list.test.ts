import { createServer } from 'node:http';
import { listen } from '../../../local/simulators/shared/loopback.js';
import { openBalenaClient } from '../../../src/balena/client.js';
import { fleetPageSize, mostUuids } from '../../../src/balena/listing.js';
import { thrownBy } from '../../support/thrownBy.js';
import { useBalena } from '../local/balena/useBalena.js';

const stand = await useBalena({ devices: 4 });
const { control, counts, fleet } = stand;
const balena = openBalenaClient({ ...stand, callTimeoutMs: 60_000 });
const uuids = stand.devices.map(({ uuid }) => uuid).sort();
const [a = '', b = '', c = ''] = uuids;
const put = (uuid: string, service: string, variables: Record<string, string | null>) =>
  control('PUT', `/devices/${uuid}/variables`, { service, variables });
const certificatesOf = async (uuid: string) =>
  Object.fromEntries((await balena.list(fleet, '')).find((each) => each.uuid === uuid)?.certificates ?? []);

test("a fleet's devices are listed in the order of their uuids, with one request", async () => {
  await counts();
  const listed = await balena.list(fleet, '');
  expect(await counts()).toEqual({ 'GET /v7/device': { 200: 1 } });
  expect(listed).toEqual(
    uuids.map((uuid) => ({ uuid, fleet, certificates: new Map(), foreignCertificates: [] })),
  );
});

test('a page begins after the last uuid of the one before', async () => {
  const sorted = [...uuids].sort();
  expect((await balena.list(fleet, sorted[1] ?? '')).map(({ uuid }) => uuid)).toEqual(sorted.slice(2));
  expect(await balena.list(fleet, sorted[3] ?? '')).toEqual([]);
});

test('a certificate with a key beside it is listed with its scope, at services and at the device level', async () => {
  await put(a, 'main', { AZURE_CERT: 'at main', AZURE_PRIVATE_KEY: 'secret', OTHER: 'x' });
  await put(a, '', { AZURE_CERT: 'own', AZURE_PRIVATE_KEY: 'secret' });
  await put(a, 'cloud-relay', { OTHER: 'x' });
  await put(b, 'main', { AZURE_CERT: 'without a key' });
  await put(b, 'cloud-relay', { AZURE_PRIVATE_KEY: 'the key of another place' });
  await put(c, '', { AZURE_CERT: 'without a key' });
  await put(c, 'main', { AZURE_PRIVATE_KEY: 'the key of another place' });
  expect(await certificatesOf(a)).toEqual({ main: 'at main', '': 'own' });
  expect(await certificatesOf(b)).toEqual({});
  expect(await certificatesOf(c)).toEqual({});
});

test('a certificate of the host OS is not listed as a certificate of the service with the same name', async () => {
  const [uuid = ''] = uuids.slice(3);
  await control('PUT', `/devices/${uuid}/report`, {});
  const application = 'balena_os/raspberrypi4-64';
  const listedWith = async (variables: Record<string, string | null>) => {
    await control('PUT', `/devices/${uuid}/variables`, { application, service: 'main', variables });
    return (await balena.list(fleet, '')).find((each) => each.uuid === uuid);
  };
  expect(await listedWith({ AZURE_CERT: 'left', AZURE_PRIVATE_KEY: 'secret' })).toMatchObject({
    certificates: new Map(),
    foreignCertificates: [{ service: 'main', certificate: 'left' }],
  });
  // Half a pair counts there, too.
  expect(await listedWith({ AZURE_CERT: null })).toMatchObject({
    foreignCertificates: [{ service: 'main', certificate: null }],
  });
  expect(await listedWith({ AZURE_CERT: 'left', AZURE_PRIVATE_KEY: null })).toMatchObject({
    foreignCertificates: [{ service: 'main', certificate: 'left' }],
  });
  expect(await listedWith({ AZURE_CERT: null })).toMatchObject({ foreignCertificates: [] });
  await listedWith({ AZURE_CERT: 'left', AZURE_PRIVATE_KEY: 'secret' });
});

test('no private key leaves balena for a listing', async () => {
  const answers: string[] = [];
  const between = createServer(async ({ url = '', headers }, response) => {
    const authorization = headers.authorization ?? '';
    const answer = await fetch(new URL(url, stand.apiUrl), { headers: { authorization } });
    answers.push(await answer.text());
    response.setHeader('content-type', 'application/json').end(answers.at(-1));
  });
  const apiUrl = `http://127.0.0.1:${await listen(between, 0)}/`;
  await openBalenaClient({ ...stand, apiUrl }).list(fleet, '');
  between.close();
  between.closeAllConnections();
  expect(answers.join()).toContain('at main');
  expect(answers.join()).not.toMatch(/secret|the key/);
});

test('one fleet is listed, or all that the key sees', async () => {
  await control('POST', '/fleets', { slug: 'other/fleet', services: [] });
  await control('POST', '/devices', { fleet: 'other/fleet', count: 2 });
  expect(await balena.list('other/fleet', '')).toHaveLength(2);
  expect(await balena.list(fleet, '')).toHaveLength(4);
  expect(await balena.list(null, '')).toHaveLength(6);
  expect(await balena.list("it's/none", '')).toEqual([]);
});

test('a fleet of more than a page is listed in pages', async () => {
  await control('POST', '/fleets', { slug: 'large/fleet', services: ['main'] });
  await control('POST', '/devices', { fleet: 'large/fleet', count: fleetPageSize + 1 });
  const first = await balena.list('large/fleet', '');
  expect(first).toHaveLength(fleetPageSize);
  expect(await balena.list('large/fleet', first.at(-1)?.uuid ?? '')).toHaveLength(1);
});

test('what balena refuses is one of our errors', async () => {
  await control('POST', '/faults', { times: 1, status: 429, headers: { 'Retry-After': '7' } });
  expect(await thrownBy(balena.list(fleet, ''))).toMatchObject({
    code: 'balena-throttled',
    retryAfterMs: 7_000,
  });
});

test('the fleets of devices are found without their variables, with one request', async () => {
  await counts();
  expect(await balena.fleetsOf([a, b, '0'.repeat(32)])).toEqual(
    new Map([
      [a, fleet],
      [b, fleet],
    ]),
  );
  expect(await counts()).toEqual({ 'GET /v7/device': { 200: 1 } });
  const longest = Array.from({ length: mostUuids }, (_, index) => String(index).padStart(62, 'f'));
  expect(await balena.fleetsOf(longest)).toEqual(new Map());
});

test('the services of a fleet are those of its releases, and the service of the host OS does not count', async () => {
  expect(await balena.servicesOf(fleet)).toEqual(expect.arrayContaining(['main', 'cloud-relay']));
  expect(await balena.servicesOf('local/unknown')).toBeNull();
  expect(await balena.listWithout('main', fleet, '')).toEqual([]);
  await control('POST', '/fleets', { slug: 'local/bare', services: ['only'] });
  const { body } = await control('POST', '/devices', { fleet: 'local/bare', count: 2 });
  const bare = (body as { uuid: string }[]).map(({ uuid }) => uuid).sort();
  expect(await balena.listWithout('only', 'local/bare', '')).toEqual([]);
  expect(await balena.listWithout('main', 'local/bare', '')).toEqual(bare);
  expect(await balena.listWithout('main', 'local/bare', bare[0] ?? '')).toEqual(bare.slice(1));
});
