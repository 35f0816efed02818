import { X509Certificate } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { minter } from '../../src/certificates/mint.js';
import { waitFor } from '../support/waitFor.js';
import { storedPair } from './support/storedPair.js';
import { useSystem } from './support/useSystem.js';

const system = await useSystem();
const { balena, hub } = system;
const mint = minter();
const writes = /^(POST|PATCH|DELETE) /;

/** The writes to balena since `forget`. */
const written = async () =>
  Object.keys((await balena.requested()).counts).filter((what) => writes.test(what));

test('an identity that the hub already has is taken over', async () => {
  const uuid = await balena.newDevice();
  const foreign = await mint(uuid, Date.now());
  await hub.register(uuid, foreign.thumbprint);

  await system.post(uuid, 'main');
  await system.state(uuid, 'provisioned');
  const pair = await system.credentials(uuid);
  expect(pair).toMatchObject({ matches: true, accepted: true });
  expect(await hub.thumbprints(uuid)).not.toContain(foreign.thumbprint);
});

test('a matching pair that balena already holds is kept as it is, and registered', async () => {
  const uuid = await balena.newDevice();
  const { certificate, privateKey, thumbprint } = await mint(uuid, Date.now());
  await balena.setVariables(uuid, 'main', { AZURE_CERT: certificate, AZURE_PRIVATE_KEY: privateKey });
  await balena.forget();

  await system.post(uuid, 'main');
  expect((await system.state(uuid, 'provisioned')).certificate).toMatchObject({ thumbprint });
  expect(await written()).toEqual([]);
  expect(await system.credentials(uuid)).toMatchObject({ thumbprint, accepted: true });
});

test('a device of the old function keeps its credentials and its connection: only its SHA-1 thumbprint is replaced', async () => {
  const uuid = await balena.newDevice();
  const old = await minter({ key: 'rsa-2048', days: 365 })(uuid, Date.now());
  await balena.setVariables(uuid, 'main', pairOf(old));
  const sha1 = new X509Certificate(Buffer.from(old.certificate, 'base64')).fingerprint.replaceAll(':', '');
  await hub.register(uuid, sha1);
  const pair = storedPair(await balena.variables(uuid), 'main');
  const device = await system.connect(uuid, pair);
  await balena.forget();

  await system.post(uuid, 'main');
  await system.state(uuid, 'provisioned');
  expect(await written()).toEqual([]);
  expect(await hub.thumbprints(uuid)).toEqual([pair.thumbprint, pair.thumbprint]);
  await device.send({ still: 'connected' });
  await device.close();
  await (await system.connect(uuid, pair)).close();
  expect(await hub.telemetry(uuid)).toHaveLength(1);
});

test.each([
  [
    'made out to another device',
    async (uuid: string) => pairOf(await mint(uuid.replace(/^./, 'x'), Date.now())),
  ],
  [
    'of which the key is of another certificate',
    async (uuid: string) => ({
      ...pairOf(await mint(uuid, Date.now())),
      AZURE_PRIVATE_KEY: (await mint(uuid, Date.now())).privateKey,
    }),
  ],
  [
    'of which the key is missing',
    async (uuid: string) => ({ AZURE_CERT: (await mint(uuid, Date.now())).certificate }),
  ],
  ['that is no pair at all', async () => ({ AZURE_CERT: 'abc', AZURE_PRIVATE_KEY: '' })],
])('a pair in balena %s is replaced', async (_, make) => {
  const uuid = await balena.newDevice();
  const found: Record<string, string> = await make(uuid);
  await balena.setVariables(uuid, 'main', found);

  await system.post(uuid, 'main');
  await system.state(uuid, 'provisioned');
  expect(await system.credentials(uuid)).toMatchObject({
    matches: true,
    accepted: true,
    subject: `CN=${uuid}`,
  });
  expect((await balena.variables(uuid)).main?.AZURE_CERT).not.toBe(found.AZURE_CERT);
});

test('a device whose record was lost keeps its credentials when it asks again', async () => {
  const uuid = await system.provisioned();
  const before = await system.credentials(uuid);
  await records().deleteEntity(uuid.slice(0, 2), uuid);
  expect((await system.get(uuid)).status).toBe(404);
  await balena.forget();

  expect((await system.post(uuid, 'main')).status).toBe(202);
  await system.state(uuid, 'provisioned');
  expect(await written()).toEqual([]);
  expect(await system.credentials(uuid)).toMatchObject({ thumbprint: before.thumbprint, accepted: true });
});

test('a device whose record and identity were lost keeps its credentials, and gets its identity back', async () => {
  const uuid = await system.provisioned();
  const before = await system.credentials(uuid);
  await records().deleteEntity(uuid.slice(0, 2), uuid);
  await hub.unregister(uuid);

  await system.post(uuid, 'main');
  await system.state(uuid, 'provisioned');
  expect(await system.credentials(uuid)).toMatchObject({ thumbprint: before.thumbprint, accepted: true });
});

test('work whose record is lost on its way is done all the same', async () => {
  const uuid = await balena.newDevice();
  const [host] = system.stack.hosts;
  await host?.stop();
  const front = await system.stack.startHost('http');
  const { json } = await system.post(uuid, 'main');
  await records().deleteEntity(uuid.slice(0, 2), uuid);
  await front.stop();
  await system.stack.startHost('all');

  const record = await system.state(uuid, 'provisioned');
  expect(record).toMatchObject({ requestId: json.requestId, service: 'main' });
  expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
});

test('when the whole table of records is lost, devices are served as before', async () => {
  const uuid = await system.provisioned();
  const before = await system.credentials(uuid);
  await records().deleteTable();

  // A caller that comes before there is a new certificate is told to come again.
  const refusals = new Set<string>();
  await waitFor('it is accepted', async () => {
    const { status, json } = await system.post(uuid, 'main');
    if (status !== 202) refusals.add(`${status} ${json.code}`);
    return status === 202;
  });
  expect([...refusals]).toEqual(['503 records-unavailable']);
  await system.state(uuid, 'provisioned');
  expect(await system.credentials(uuid)).toMatchObject({ thumbprint: before.thumbprint, accepted: true });
});

function records(): TableClient {
  const { connectionString = '' } = system.stack.endpoints.tables ?? {};
  return TableClient.fromConnectionString(connectionString, 'devices', { allowInsecureConnection: true });
}

function pairOf({ certificate, privateKey }: { certificate: string; privateKey: string }) {
  return { AZURE_CERT: certificate, AZURE_PRIVATE_KEY: privateKey };
}
