import { waitFor } from '../support/waitFor.js';
import { useSystem } from './support/useSystem.js';

// Seconds instead of minutes: messages of a killed worker are delivered again when their lock expires.
const [workLimit, grace] = [10, 10];
const system = await useSystem({
  hosts: ['http', 'worker'],
  lockSeconds: workLimit + grace,
  settings: { WORK_LIMIT_SECONDS: String(workLimit), LEASE_GRACE_SECONDS: String(grace) },
});
const { balena, hub, ops, stack } = system;

/** Sends the request of a device, and repeats the request after a 503, as devices do: 250 simultaneous requests are too many for one process. */
const accepted = (uuid: string, service: string) =>
  waitFor(
    `the request of ${uuid} is accepted`,
    async () => (await system.post(uuid, service)).status !== 503,
  );

test('150 of 250 devices fail of a name that balena does not know; once it does, a ramped replay brings them all, though its worker is killed', async () => {
  const uuids = await balena.newDevices(250);
  const [wrong, right] = [uuids.slice(0, 150), uuids.slice(150)];
  await Promise.all([
    ...wrong.map((uuid) => accepted(uuid, 'sensor')),
    ...right.map((uuid) => accepted(uuid, 'main')),
  ]);
  await waitFor('all requests have finished', async () => {
    const { states } = await ops.overview();
    return states.failed === 150 && states.provisioned === 100;
  });
  const listed = await ops.freshDeadLetters({ errorCode: 'service-not-found', limit: '1000' });
  expect(listed).toMatchObject({ total: 150, byStatus: { failed: 150 }, byFleet: { 'local/demo': 150 } });
  expect(new Set(listed.deadLetters.map(({ uuid }) => uuid))).toEqual(new Set(wrong));
  expect(listed.deadLetters.every(({ sequenceNumber }) => sequenceNumber !== null)).toBe(true);

  await balena.addService('sensor');
  const plan = await ops.plan({ kind: 'replay', filter: { code: 'service-not-found' }, by: 'the drill' });
  expect(plan).toMatchObject({
    state: 'planned',
    counts: { planned: 150, quarantined: 0 },
    byCode: { 'service-not-found': 150 },
    byFleet: { 'local/demo': 150 },
  });
  // At the hub's pace of 50,000 a minute.
  expect(plan.expectedSeconds).toBe(1);

  // One of the last devices waits for the hub: on a machine that stands still, the replay does not end before the worker is killed.
  const last = listed.deadLetters.reduce((a, b) => (a.failedAt > b.failedAt ? a : b));
  await hub.fault({ method: 'PUT', path: last.uuid ?? '', times: 1, hang: true, effect: 'none' });
  await ops.start(plan.id, { ramp: true, rate: 3_000 });
  await waitFor('30 devices are provisioned', async () => (await ops.action(plan.id)).counts.succeeded >= 30);
  await stack.hosts.at(-1)?.kill();
  const broken = (await ops.action(plan.id)).counts;
  expect(broken.succeeded).toBeLessThan(150);
  await hub.noFaults();
  // Each device is failed with a dead letter, pending, or provisioned.
  const { byState } = await ops.records({ service: 'sensor' });
  expect(
    (byState.failed ?? 0) + (byState.queued ?? 0) + (byState.working ?? 0) + (byState.provisioned ?? 0),
  ).toBe(150);
  await stack.startHost('worker');

  const done = await ops.ends(plan.id, 'done');
  expect(done.counts).toEqual({
    planned: 150,
    quarantined: 0,
    requested: 150,
    superseded: 0,
    succeeded: 150,
    failed: 0,
    cancelled: 0,
    underWay: 0,
  });
  expect((await ops.overview()).states).toMatchObject({ provisioned: 250, failed: 0 });
  for (const uuid of [wrong[0]!, wrong[75]!, wrong[149]!])
    expect(await system.credentials(uuid, 'sensor')).toMatchObject({ matches: true, accepted: true });
  expect((await hub.requested()).counts['PUT /devices/{id}']?.[200]).toBeGreaterThanOrEqual(250);

  const [entry] = (await ops.audit()).actions;
  expect(entry).toMatchObject({
    id: plan.id,
    kind: 'replay',
    state: 'done',
    by: 'the drill',
    startedBy: 'the drill',
    filter: { code: 'service-not-found' },
    ratePerMinute: 3_000,
    ramp: true,
    counts: { planned: 150, succeeded: 150 },
  });
  const { history } = await ops.history(wrong[0]!);
  expect(history.map(({ type }) => type)).toEqual(expect.arrayContaining(['requested', 'ran', 'replayed']));
  expect(history.at(-1)).toMatchObject({ type: 'ran', note: 'provisioned' });
  // The old dead letters are superseded. The redrive, which does not run here, removes them.
  const { byStatus } = await ops.freshDeadLetters();
  expect(byStatus).toEqual({ superseded: 150 });
});
