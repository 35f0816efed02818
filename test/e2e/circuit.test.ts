import { waitFor } from '../support/waitFor.js';
import { useSystem } from './support/useSystem.js';

const lines: string[] = [];
const system = await useSystem({
  hosts: ['http', 'worker'],
  settings: { MAX_ATTEMPTS: '2', WORK_LIMIT_SECONDS: '10', LEASE_GRACE_SECONDS: '10' },
  onLine: (name, line) => lines.push(`${name} ${line}`),
});
const { balena, hub, queue } = system;
const newDevices = (count: number) => Promise.all(Array.from({ length: count }, () => balena.newDevice()));
const said = (text: string) => lines.filter((line) => line.includes(text));

afterEach(async () => {
  lines.length = 0;
  await Promise.all([balena.noFaults(), hub.noFaults()]);
  // The next test starts when the workers have seen the end of the outage.
  await waitFor('the system is healthy', async () => (await system.health()).status === 200);
});

/**
 * Waits until health reports the outage and workers have called the dependency several times. MAX_ATTEMPTS is 2, so a device
 * would have failed for good if these calls counted as attempts. Then no device has an attempt or a dead letter.
 *
 * One worker probes, at most once in two seconds. A probe makes up to four requests and a ping. If all devices were tried again, 30 devices
 * would make 120 requests at once.
 *
 * @param calls the number of requests to wait for
 */
async function outage(uuids: string[], line: RegExp, dependency: typeof balena | typeof hub, calls: number) {
  await waitFor('health reports the outage', async () => {
    const { status, text } = await system.health();
    return status === 503 && line.test(text);
  });
  const since = Date.now();
  await balena.forget();
  await hub.forget();
  const total = await waitFor('workers have probed the dependency', async () => {
    const requests = (await dependency.requested()).total;
    return requests >= calls && requests;
  });
  expect(total).toBeLessThanOrEqual(5 * (2 + (Date.now() - since) / 2_000));
  const states = await Promise.all(uuids.map((uuid) => system.get(uuid)));
  expect(new Set(states.map(({ json }) => json.attempts))).toEqual(new Set([0]));
  expect(await queue.deadLetters()).toEqual([]);
}

test('while balena is down one worker probes, nothing counts as an attempt, and the backlog flows when it is back', async () => {
  await balena.fault({ status: 503 });
  const uuids = await newDevices(30);
  await Promise.all(uuids.map((uuid) => system.post(uuid, 'main')));
  await outage(uuids, /^balena: NOT OK, balena-unavailable since/m, balena, 8);

  await balena.noFaults();
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
  expect(said('balena fails (')).toHaveLength(1);
  expect(said('balena works again:')).toHaveLength(1);
});

test('a wrong BALENA_API_KEY dead-letters nothing, and work flows when it is right', async () => {
  await balena.fault({ status: 401 });
  const uuids = await newDevices(10);
  await Promise.all(uuids.map((uuid) => system.post(uuid, 'main')));
  await outage(uuids, /^balena: NOT OK, balena-unauthorized since/m, balena, 2);

  await balena.noFaults();
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
});

test('while the hub refuses connections nothing counts as an attempt, and the backlog flows when it is back', async () => {
  await hub.fault({ reset: true });
  const uuids = await newDevices(10);
  await Promise.all(uuids.map((uuid) => system.post(uuid, 'main')));
  await outage(uuids, /^hub: NOT OK, hub-unavailable since/m, hub, 3);

  await hub.noFaults();
  // After a reset the outcome is unknown. These devices wait until their lease has expired.
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
});
