import type { RequestSummary } from '../../local/simulators/shared/requests.js';
import { waitFor } from '../support/waitFor.js';
import { useSystem } from './support/useSystem.js';

/** Faults of one device or of one fleet, beside healthy devices: nobody waits longer for somebody else's fault. */
const system = await useSystem({
  hosts: ['http', 'worker'],
  settings: {
    MAX_ATTEMPTS: '2',
    LONGEST_BACK_OFF_SECONDS: '1',
    WORK_LIMIT_SECONDS: '8',
    LEASE_GRACE_SECONDS: '8',
  },
});
const { balena, hub, queue } = system;
const apiKey = system.stack.endpoints.balena?.apiKey ?? '';
const demo = 'local/demo';
let linesBefore = 0;
const circuitLines = () =>
  system.lines.slice(linesBefore).filter((line) => /(balena|hub) (fails \(|works again)/.test(line));
beforeEach(() => {
  linesBefore = system.lines.length;
});

afterEach(async () => {
  await Promise.all([balena.noFaults(), hub.noFaults(), balena.tell(`PUT /keys/${apiKey}`, null)]);
});

/** The devices become provisioned, and no circuit opens. */
async function provisionAll(uuids: string[]) {
  await Promise.all(uuids.map((uuid) => system.post(uuid, 'main')));
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
  expect(circuitLines()).toEqual([]);
  expect((await system.health()).status).toBe(200);
}

const operations = ({ counts }: RequestSummary) =>
  Object.entries(counts)
    .filter(([request]) => request.endsWith('/devices/{id}'))
    .reduce((sum, [, byStatus]) => sum + Object.values(byStatus).reduce((all, n) => all + n, 0), 0);

test('a fleet that the key may not write fails with its name and the right, for one registry operation a device', async () => {
  const fleet = 'local/readonly';
  await balena.tell('POST /fleets', { slug: fleet, services: ['main'] });
  const unwritable = await balena.tell<{ uuid: string }[]>('POST /devices', { fleet, count: 12 });
  await balena.tell(`PUT /keys/${apiKey}`, { reads: [demo, fleet], writes: [demo] });
  await hub.forget();
  await Promise.all(unwritable.map(({ uuid }) => system.post(uuid, 'main')));
  const healthy = await balena.newDevices(10);
  await provisionAll(healthy);

  for (const { uuid } of unwritable) {
    const { error, attempts } = await system.state(uuid, 'failed');
    expect({ code: error?.code, attempts }).toEqual({ code: 'balena-write-refused', attempts: 2 });
    expect(error?.message).toContain(`Fleet: ${fleet}. Needed right: to write`);
  }
  expect(operations(await hub.requested())).toBe(unwritable.length + healthy.length);
  expect(circuitLines()).toEqual([]);

  // With the right, a new request succeeds. The record still knows the refusal, so the right is proven first.
  await balena.tell(`PUT /keys/${apiKey}`, null);
  const [{ uuid } = { uuid: '' }] = unwritable;
  await system.del(uuid);
  await system.state(uuid, 'deprovisioned');
  await system.post(uuid, 'main');
  await system.state(uuid, 'provisioned');
  expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
});

test.each([
  ['balena', { method: 'POST', status: 403 }, 'balena-write-refused'],
  ['balena', { method: 'POST', status: 500 }, 'balena-unavailable'],
  ['balena', { method: 'GET', status: 500 }, 'balena-unavailable'],
  ['hub', { status: 500 }, 'hub-unavailable'],
] as const)('a device that %s always answers with %j fails for good, alone', async (side, fault, code) => {
  const [sick = '', ...healthy] = await balena.newDevices(10);
  await (side === 'hub'
    ? hub.fault({ ...fault, path: `/devices/${sick}` })
    : balena.fault({ ...fault, subject: sick }));
  await system.post(sick, 'main');
  await provisionAll(healthy);
  const { error, attempts } = await system.state(sick, 'failed');
  expect({ code: error?.code, attempts }).toEqual({ code, attempts: 2 });
  expect(circuitLines()).toEqual([]);
  await waitFor('the dead letter is there', async () =>
    (await queue.deadLetters()).some(({ body, deadLetterReason }) => {
      return (body as { uuid?: string }).uuid === sick && deadLetterReason === code;
    }),
  );
});

test.each([
  ['a 404 page of a gateway', { status: 404, gateway: true }],
  ['a 403 page of a gateway', { status: 403, gateway: true }],
  ['410', { status: 410 }],
  ['412', { status: 412 }],
  ['423', { status: 423 }],
] as const)('%s from balena for some seconds fails nobody for good', async (_, fault) => {
  const uuids = await balena.newDevices(4);
  const hits = await balena.fault(fault);
  await Promise.all(uuids.map((uuid) => system.post(uuid, 'main')));
  await hits(6);
  await balena.noFaults();
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
  await waitFor('the system is healthy', async () => (await system.health()).status === 200);
});
