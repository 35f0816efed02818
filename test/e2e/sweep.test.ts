import { followFleet } from '../../cli/fleet/follow.js';
import { requestFleet } from '../../src/fleet/request.js';
import { rotate } from '../../src/fleet/rotate.js';
import { planSweep, sweep } from '../../src/fleet/sweep.js';
import { listRecords } from '../../src/ops/devices/list.js';
import { requestCheck } from '../../src/provisioning/check.js';
import { control } from '../chaos/system/control.js';
import { waitFor } from '../support/waitFor.js';
import { appOf } from './support/appOf.js';
import { untilIdle } from './support/untilIdle.js';
import { useSystem } from './support/useSystem.js';

const fleet = 'local/demo';
const second = 'local/second';
const lines: string[] = [];
const system = await useSystem({
  timers: ['sweep', 'renew'],
  settings: {
    FLEETS: `${fleet},${second}`,
    MAX_ATTEMPTS: '2',
    LONGEST_BACK_OFF_SECONDS: '1',
    DEFAULT_SERVICE: 'main',
    SWEEP_SCHEDULE: '*/2 * * * * *',
    RENEW_SCHEDULE: '*/2 * * * * *',
  },
  onLine: (_, line) => lines.push(line),
});
const { balena, hub, stack } = system;
const app = appOf(system);
/** In this system a sweep does not leave recently changed devices alone. */
const options = { fleets: [fleet], service: 'main', settleMs: 0 };
const said = (text: RegExp) => waitFor(`${text} is said`, () => lines.find((line) => text.test(line)));

test('a device that appears is found and provisioned, without anyone asking for it', async () => {
  const uuid = await balena.newDevice();
  await system.state(uuid, 'provisioned');
  expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
  expect(await said(/swept \d+ devices and \d+ records: requested [1-9]/)).toBeDefined();
});

test('how long certificates have is reported', async () => {
  const report =
    /certificates due for renewal: 0 \(0 expired, 0 expire within 7 days, 0 within 30, 0 later\)/;
  expect(await said(report)).toBeDefined();
});

test('the timers stop: the next tests sweep by themselves', async () => {
  const url = stack.hosts[0]?.endpoints.controlUrl;
  await control(url, 'PUT /host-faults', { stoppedTimers: ['sweep', 'renew'] });
  await waitFor('the last runs have ended', async () => {
    const { outstandingInvocations } = await control<{ outstandingInvocations: number }>(url, 'GET /drain');
    return outstandingInvocations === 0;
  });
});

test('variables that were removed, or replaced, are put right', async () => {
  const [removed, replaced] = [await system.provisioned(), await system.provisioned()];
  await balena.setVariables(removed, 'main', { AZURE_CERT: null });
  await balena.setVariables(replaced, 'main', { AZURE_CERT: 'whatever' });
  expect((await sweep(app, options)).checked).toMatchObject({ 'variables-missing': 2 });
  for (const uuid of [removed, replaced])
    await waitFor('it is put right', async () => {
      const { matches, accepted } = await system.credentials(uuid);
      return matches && accepted;
    });
});

test('the identity of a device that is gone from balena goes', async () => {
  const uuid = await system.provisioned();
  await balena.removeDevice(uuid);
  expect((await sweep(app, options)).checked).toMatchObject({ gone: 1 });
  await waitFor('its identity is gone', async () => (await hub.thumbprints(uuid)) === null);
  // And is not looked at for ever.
  await untilIdle(app, uuid);
  expect((await sweep(app, options)).checked).toMatchObject({ gone: 0 });
});

const hasNoIdentity = (uuid: string) =>
  waitFor('its identity is gone', async () => (await hub.thumbprints(uuid)) === null);

test.each<[string, (uuid: string) => Promise<unknown>]>([
  ['a sweep', () => sweep(app, options)],
  ['a check, as an event requests it', (uuid) => requestCheck(app, uuid)],
])('a device that was deleted after a failed request loses its identity by %s', async (_, look) => {
  const uuid = await system.provisioned();
  // A request for a service that does not exist would be refused. The rotation of a disabled identity fails for good.
  await hub.change(uuid, { status: 'disabled' });
  await rotate(app, uuid);
  await system.state(uuid, 'failed');
  await balena.removeDevice(uuid);
  await look(uuid);
  await hasNoIdentity(uuid);
  await waitFor('the check is done', async () => !(await app.records.read(uuid))?.value.check);
  expect((await app.records.read(uuid))?.value).toMatchObject({ error: { code: 'device-not-found' } });
});

test('a device that moves out of FLEETS is shown as outside, and loses its identity after the second sweep', async () => {
  const uuid = await system.provisioned();
  await balena.tell('POST /fleets', { slug: 'local/elsewhere', services: ['main'] });
  await balena.tell(`PUT /devices/${uuid}/fleet`, { fleet: 'local/elsewhere' });
  expect((await sweep(app, options)).checked).toMatchObject({ gone: 1 });
  await system.state(uuid, 'outside');
  expect(await hub.thumbprints(uuid)).not.toBeNull();
  expect((await sweep(app, options)).checked).toMatchObject({ outside: 1 });
  await hasNoIdentity(uuid);
  await waitFor('the check is done', async () => !(await app.records.read(uuid))?.value.check);
  expect((await sweep(app, options)).checked).toMatchObject({ gone: 0, outside: 0 });

  await balena.tell(`PUT /devices/${uuid}/fleet`, { fleet });
  expect((await sweep(app, options)).checked).toMatchObject({ 'came-back': 1 });
  await waitFor('it is provisioned again', async () => (await system.credentials(uuid)).accepted);
  await system.state(uuid, 'provisioned');
});

test('a device whose fleet was deleted is listed after bounded tries, and an operator removes its identity', async () => {
  await balena.tell('POST /fleets', { slug: second, services: ['main'] });
  const [device] = await balena.tell<{ uuid: string }[]>('POST /devices', { fleet: second, count: 1 });
  const uuid = device!.uuid;
  await system.post(uuid, 'main');
  await system.state(uuid, 'provisioned');
  await balena.tell('DELETE /fleets', { slug: second });
  await requestCheck(app, uuid);
  const listed = () => listRecords(app, { lastCheck: 'failed', uuid });
  await waitFor('it is listed', async () => (await listed()).records[0]?.code === 'device-not-visible');
  await waitFor('the check is done', async () => !(await app.records.read(uuid))?.value.check);
  expect((await listed()).records).toMatchObject([{ state: 'provisioned' }]);
  expect(await hub.thumbprints(uuid)).not.toBeNull();

  const both = { ...options, fleets: [fleet, second] };
  const guarded = [{ fleet: second, gone: 1, why: 'not-visible' }];
  expect(await sweep(app, both)).toMatchObject({ invisible: [second], guarded });
  await sweep(app, { ...both, allowGone: true });
  await hasNoIdentity(uuid);
});

test('a plan changes nothing', async () => {
  const uuid = await system.provisioned();
  await balena.setVariables(uuid, 'main', { AZURE_PRIVATE_KEY: null });
  const found: unknown[] = [];
  for await (const item of planSweep(app, options)) found.push(item);
  expect(found).toEqual([{ uuid, fleet, act: 'check', why: 'variables-missing' }]);
  expect((await app.records.read(uuid))?.value).toMatchObject({ job: null, check: null });
  await sweep(app, options);
  await waitFor('it is put right', async () => (await system.credentials(uuid)).accepted);
});

test('a whole fleet is asked for and followed until it is provisioned', async () => {
  const slug = 'local/batch';
  await balena.tell('POST /fleets', { slug, services: ['main'] });
  const devices = await balena.tell<{ uuid: string }[]>('POST /devices', { fleet: slug, count: 40 });
  const settings = { fleet: slug, service: 'main', onlyMissing: true };
  const { requested, uuids, finished } = await requestFleet(app, settings);
  expect({ requested, finished }).toEqual({ requested: 40, finished: true });
  expect([...uuids].sort()).toEqual(devices.map(({ uuid }) => uuid).sort());
  // The workers of this system serve one fleet only.
  const report = await followFleet(app, uuids, { intervalMs: 100 });
  expect(report).toMatchObject({
    finished: true,
    states: { failed: 40 },
    failures: { 'fleet-not-allowed': 40 },
  });

  const own = Array.from({ length: 20 }, () => balena.newDevice());
  await Promise.all(own);
  const second = await requestFleet(app, { fleet, service: 'main' });
  expect(await followFleet(app, second.uuids, { intervalMs: 100 })).toMatchObject({
    finished: true,
    states: { provisioned: second.uuids.length, failed: 0 },
  });
});
