import { control } from '../chaos/system/control.js';
import { waitFor } from '../support/waitFor.js';
import { useSystem } from './support/useSystem.js';

// W, G and the lock are those of the product: the times of this test are those of a crash in Azure.
const system = await useSystem();
const { balena, hub, queue, stack } = system;
const host = () => stack.hosts.at(-1)!;
const crash = () => control(host().endpoints.controlUrl, 'POST /worker/kill');
const deliveries = (requestId: string) =>
  system.lines.filter((line) => line.includes(`worker: message ${requestId}.`));

test('a device whose worker is killed is provisioned within 30 s, with two more deliveries, and knows when', async () => {
  const uuid = await balena.newDevice();
  const held = await hub.fault({ method: 'PUT', path: uuid, hang: true, effect: 'none' });
  const asked = await system.post(uuid, 'main');
  const { requestId } = JSON.parse(asked.text) as { requestId: string };
  await held(1);
  await hub.noFaults();
  const crashedAt = Date.now();
  await crash();

  const expected = await waitFor('the record says when it goes on', async () => {
    const { json } = await system.get(uuid);
    return Date.parse(json.expectedAt ?? '') > crashedAt + 10_000 && Date.parse(json.expectedAt ?? '');
  });
  await system.state(uuid, 'provisioned');
  const took = Date.now() - crashedAt;
  expect(took).toBeLessThan(30_000);
  expect(Math.abs(crashedAt + took - expected)).toBeLessThan(10_000);
  // An abandoned delivery is one that the worker did not live to see. The host abandons at once until it has noticed the end of the worker.
  const seen = deliveries(requestId).filter((line) => !line.includes('no worker process'));
  expect(seen.length).toBeLessThanOrEqual(3);
  expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
});

test('thirty drains under load cost no device its deliveries', async () => {
  const asked: string[] = [];
  for (let drain = 1; drain <= 30; drain += 1) {
    const uuids = await Promise.all(Array.from({ length: 8 }, () => balena.newDevice()));
    await Promise.all(uuids.map((uuid) => system.post(uuid, 'main')));
    asked.push(...uuids);
    const before = host();
    await control(before.endpoints.controlUrl, 'POST /drain');
    await before.stop();
    await stack.startHost('all');
  }
  for (const uuid of asked) await system.state(uuid, 'provisioned');
  expect(await queue.deadLetters()).toEqual([]);
}, 900_000);
