import { setTimeout } from 'node:timers/promises';
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
  // What the workers saw is over for the next test only when they have seen that it is.
  await waitFor('all is well', async () => (await system.health()).status === 200);
});

/** More runs than MAX_ATTEMPTS, if any were counted. */
const aWhileMs = 9_000;

async function outage(uuids: string[], line: RegExp) {
  await waitFor('health names it', async () => {
    const { status, text } = await system.health();
    return status === 503 && line.test(text);
  });
  await balena.forget();
  await hub.forget();
  await setTimeout(aWhileMs);
  const states = await Promise.all(uuids.map((uuid) => system.get(uuid)));
  expect(new Set(states.map(({ json }) => json.attempts))).toEqual(new Set([0]));
  expect(await queue.deadLetters()).toEqual([]);
}

test('while balena is down one worker probes, nothing counts as an attempt, and the backlog flows when it is back', async () => {
  await balena.fault({ status: 503 });
  const uuids = await newDevices(30);
  await Promise.all(uuids.map((uuid) => system.post(uuid, 'main')));
  await outage(uuids, /^balena: NOT OK, balena-unavailable since/m);
  // A probe every few seconds. Each visit, with its retries, costs four requests: thirty devices would need 120 for one each.
  expect((await balena.requested()).total).toBeLessThan(2 * uuids.length);

  await balena.noFaults();
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
  expect(said('balena fails (')).toHaveLength(1);
  expect(said('balena answers again')).toHaveLength(1);
});

test('a wrong BALENA_API_KEY dead-letters nothing, and work flows when it is right', async () => {
  await balena.fault({ status: 401 });
  const uuids = await newDevices(10);
  await Promise.all(uuids.map((uuid) => system.post(uuid, 'main')));
  await outage(uuids, /^balena: NOT OK, balena-unauthorized since/m);
  expect((await balena.requested()).total).toBeLessThan(10);

  await balena.noFaults();
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
});

test('a key that may read and not write opens the circuit once, and not again with every read', async () => {
  await balena.fault({ method: 'POST', path: 'environment_variable', status: 401 });
  const uuids = await newDevices(10);
  await Promise.all(uuids.map((uuid) => system.post(uuid, 'main')));
  await outage(uuids, /^balena: NOT OK, balena-unauthorized since/m);
  expect(said('balena fails (')).toHaveLength(1);

  await balena.noFaults();
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
  expect(said('balena answers again')).toHaveLength(1);
});

test('while the hub refuses connections nothing counts as an attempt, and the backlog flows when it is back', async () => {
  await hub.fault({ reset: true });
  const uuids = await newDevices(10);
  await Promise.all(uuids.map((uuid) => system.post(uuid, 'main')));
  await outage(uuids, /^hub: NOT OK, hub-unavailable since/m);

  await hub.noFaults();
  // A reset leaves it unknown whether it happened: those wait until their lease has run out.
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
});
