import { rotate } from '../../src/fleet/rotate.js';
import { waitFor } from '../support/waitFor.js';
import { appOf } from './support/appOf.js';
import { untilIdle } from './support/untilIdle.js';
import { useSystem } from './support/useSystem.js';

/** A key with conditional rights: balena answers PATCH and DELETE with 200, and changes nothing. */
const system = await useSystem({ settings: { MAX_ATTEMPTS: '2', LONGEST_BACK_OFF_SECONDS: '1' } });
const { balena, hub, ops, stack } = system;
const app = appOf(system);
const { apiKey, fleet } = stack.endpoints.balena!;

const setRights = (rights: object | null) => balena.tell(`PUT /keys/${apiKey}`, rights);
afterEach(() => setRights(null));

/** A provisioned device of a fleet that the key may read and not write. */
async function readOnly(): Promise<string> {
  const uuid = await system.provisioned();
  await setRights({ reads: [fleet] });
  return uuid;
}
/** Gives the right back, and replays the request. */
async function replayWithRight(uuid: string): Promise<void> {
  await setRights(null);
  const { id } = await ops.plan({ kind: 'replay', filter: { uuid } });
  await ops.start(id);
  await ops.ends(id, 'done');
}
const refused = (uuid: string) =>
  waitFor('a write was refused', async () => {
    const { json } = await system.get(uuid);
    return json.error?.code === 'balena-write-refused' && json;
  });

test('a DELETE is not answered as done while the variables are there, and is done by a replay when the right is back', async () => {
  const uuid = await readOnly();
  await system.del(uuid);
  await system.state(uuid, 'failed');
  expect(await balena.variables(uuid)).toHaveProperty('main.AZURE_PRIVATE_KEY');
  expect(await hub.thumbprints(uuid)).toBeNull();
  const { deadLetters } = await ops.freshDeadLetters({ uuid });
  expect(deadLetters).toMatchObject([{ code: 'balena-write-refused', step: 'remove', fleet, attempts: 2 }]);
  expect(deadLetters[0]?.message).toContain(fleet);

  await replayWithRight(uuid);
  await system.state(uuid, 'deprovisioned');
  expect(await balena.variables(uuid)).toEqual({});
});

test.each([
  ['rotation', false],
  ['revocation', true],
])('a %s is not done before balena shows the new pair, and never cuts the device off', async (_, revoke) => {
  const uuid = await readOnly();
  const held = await system.credentials(uuid);
  await rotate(app, uuid, { revoke });
  await system.state(uuid, 'failed');
  expect(await system.get(uuid)).toMatchObject({
    json: { error: { code: 'balena-write-refused' }, certificate: { thumbprint: held.thumbprint } },
  });
  expect(await system.credentials(uuid)).toMatchObject({ thumbprint: held.thumbprint, accepted: true });
  await (await system.connect(uuid, held)).close();

  await replayWithRight(uuid);
  await system.state(uuid, 'provisioned');
  const present = await system.credentials(uuid);
  expect(present).toMatchObject({ matches: true, accepted: true });
  expect(present.thumbprint).not.toBe(held.thumbprint);
  const second = revoke ? present.thumbprint : held.thumbprint;
  expect(await hub.thumbprints(uuid)).toEqual([present.thumbprint, second]);
});

test('a revocation costs one more registry operation, and a rotation one more request of balena', async () => {
  const uuid = await system.provisioned();
  await Promise.all([balena.forget(), hub.forget()]);
  await rotate(app, uuid, { revoke: true });
  await untilIdle(app, uuid);
  expect((await balena.requested()).counts).toEqual({
    'GET /v7/device': { 200: 2 },
    'PATCH /v7/device_service_environment_variable({id})': { 200: 2 },
  });
  expect((await hub.requested()).counts).toMatchObject({ 'PUT /devices/{id}': { 200: 2 } });
});

test('a device of a writable fleet is provisioned meanwhile', async () => {
  const other = 'acme/writable';
  await balena.tell('POST /fleets', { slug: other, services: ['main'] });
  const [fresh] = await balena.tell<{ uuid: string }[]>('POST /devices', { fleet: other });
  const uuid = await readOnly();
  await setRights({ reads: [fleet], writes: [other] });
  await rotate(app, uuid);
  await refused(uuid);
  await system.post(fresh!.uuid, 'main');
  expect(await system.state(fresh!.uuid, 'provisioned')).toMatchObject({ error: null, attempts: 0 });
});
