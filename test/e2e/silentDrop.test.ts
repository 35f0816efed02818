import { useSystem } from './support/useSystem.js';

// A call over a dropped connection waits for half of the limit or of the grace.
const system = await useSystem({ settings: { WORK_LIMIT_SECONDS: '12', LEASE_GRACE_SECONDS: '12' } });
const { balena, stack } = system;
const { endpoints } = stack;

/* Each dependency drops its open connections without a word, as a NAT does. No caller gets an error, and no run fails. */

const drop = async (controlUrl: string | undefined) => {
  const response = await fetch(`${controlUrl}/drop`, { method: 'POST' });
  expect(((await response.json()) as { dropped: number }).dropped).toBeGreaterThan(0);
};

test.each([
  ['hub', () => endpoints.iotHub?.controlUrl],
  ['balena', () => endpoints.balena?.controlUrl],
  ['records', () => endpoints.tables?.controlUrl],
] as const)(
  'the connections to %s are dropped: the next device is provisioned in one run',
  async (_, controlUrl) => {
    await system.provisioned();
    const uuid = await balena.newDevice();
    await drop(controlUrl());
    expect((await system.post(uuid, 'main')).status).toBe(202);
    const { attempts, error } = await system.state(uuid, 'provisioned');
    expect({ attempts, error }).toEqual({ attempts: 0, error: null });
    expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
  },
);

test('the connections to the queue are dropped: every request is accepted', async () => {
  await system.provisioned();
  const uuids = await Promise.all(Array.from({ length: 15 }, () => balena.newDevice()));
  await drop(endpoints.serviceBus?.controlUrl);
  const statuses: number[] = [];
  for (const uuid of uuids) statuses.push((await system.post(uuid, 'main')).status);
  expect(statuses).toEqual(uuids.map(() => 202));
});
