import { control } from '../chaos/system/control.js';
import { waitFor } from '../support/waitFor.js';
import { appOf } from './support/appOf.js';
import { openDrillTools } from './support/drills/openDrillTools.js';
import { useSystem } from './support/useSystem.js';

// W, G and the lock are those of the product: the times of this test are those of a crash in Azure.
const system = await useSystem();
const { balena, hub, queue, stack } = system;
const host = () => stack.hosts.at(-1)!;
const crash = () => control(host().endpoints.controlUrl, 'POST /worker/kill');
const deliveries = (requestId: string) =>
  system.lines.filter((line) => line.includes(`worker: message ${requestId}.`));

/** The device that kills its worker once too often. */
let lastAttempt = '';

/** The longest lease of the product, ms. */
const leaseMs = 20_000;

/** Code and advice of a device that kills its worker; see test/e2e/support/drills. */
const deadly = openDrillTools('worker-died', system, appOf(system));

test('a device whose worker is killed goes on at the end of its lease, with two more deliveries, and the caller is told when', async () => {
  const uuid = await balena.newDevice();
  await holdLastAttempt();
  const held = await hub.fault({ method: 'PUT', path: uuid, hang: true, effect: 'none' });
  const asked = await system.post(uuid, 'main');
  const { requestId } = JSON.parse(asked.text) as { requestId: string };
  await held(1);
  await hub.noFaults();
  await crash();

  // On a machine that stands still, the device may be provisioned before the test looks, or the next worker may have a lease.
  const waitMs = await waitFor('the record says when it goes on, or the device is provisioned', async () => {
    const { json } = await system.get(uuid);
    const waitMs = Date.parse(json.expectedAt ?? '') - Date.now();
    return json.state === 'provisioned' ? leaseMs : waitMs > 1_000 && waitMs;
  });
  expect(waitMs).toBeLessThanOrEqual(leaseMs);
  await system.state(uuid, 'provisioned');
  // An abandoned delivery is one that the worker did not live to see. The host abandons at once until it has noticed the end of the worker.
  const seen = deliveries(requestId).filter((line) => !line.includes('no worker process'));
  expect(seen.length).toBeLessThanOrEqual(3);
  expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
});

/** The drill of `worker-died` shares the crash and the lease of the first test. The device has failed nine times before, and ten attempts are allowed. */
async function holdLastAttempt(): Promise<void> {
  await balena.tell('POST /fleets', { slug: deadly.fleet, services: ['main', 'cloud-relay'] });
  const uuid = await deadly.newDevice();
  const held = await hub.fault({ method: 'PUT', path: uuid, hang: true, effect: 'none' });
  await system.post(uuid, 'main');
  await held(1);
  await deadly.app.records.amend(uuid, (record) => record && { ...record, attempts: 9 });
  lastAttempt = uuid;
}

test('a device that has killed its worker too often fails for good, and the advice ends healthy', async () => {
  await deadly.fails(lastAttempt);
  expect((await deadly.follow('replay')).code).toBe(0);
  await deadly.isHealthy(lastAttempt);
});

// More drains than the ten deliveries that the queue allows.
test('twelve drains under load cost no device its deliveries', async () => {
  const asked: string[] = [];
  for (let drain = 1; drain <= 12; drain += 1) {
    const uuids = await Promise.all(Array.from({ length: 8 }, () => balena.newDevice()));
    await Promise.all(uuids.map((uuid) => system.post(uuid, 'main')));
    asked.push(...uuids);
    const before = host();
    await control(before.endpoints.controlUrl, 'POST /drain');
    await before.stop();
    await stack.startHost('all');
  }
  for (const uuid of asked) await system.state(uuid, 'provisioned');
  const left = (await queue.deadLetters()).map(({ body }) => body.uuid);
  expect(left.filter((uuid) => uuid !== lastAttempt)).toEqual([]);
});
