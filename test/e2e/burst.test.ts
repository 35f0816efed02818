import { waitFor } from '../support/waitFor.js';
import type { Answer } from './support/provisionApi.js';
import { useSystem } from './support/useSystem.js';

/** 100 registry operations a minute, for both workers together. Slow machines look devices up faster than that. */
const perSecond = 100 / 60;
const devices = 24;
const lines: string[] = [];

const system = await useSystem({
  hub: ['--tier', 'S1', '--units', '1'],
  settings: { IOTHUB_TIER: 'S1', IOTHUB_UNITS: '1' },
  hosts: ['http', 'worker', 'worker'],
  onLine: (name, line) => lines.push(`${name} ${line}`),
});
const { balena, hub, queue } = system;

const deliveries = () => lines.filter((line) => line.startsWith('worker worker: message')).length;
const newDevices = (count: number) => Promise.all(Array.from({ length: count }, () => balena.newDevice()));
const expectedAt = ({ json }: Answer) => Date.parse(json.expectedAt ?? '');

test('a fleet that boots at once is registered at the pace of the hub, one operation and at most three deliveries a device', async () => {
  const uuids = await newDevices(devices);
  await hub.forget();
  const before = deliveries();
  const answers = await Promise.all(uuids.map((uuid) => system.post(uuid, 'main')));
  expect(answers.every(({ status }) => status === 202)).toBe(true);

  // The backlog waits in the queue, each message for its reservation, and the active part stays short.
  await waitFor('the backlog is scheduled', async () => {
    const messages = await queue.messages();
    const scheduled = messages.filter(({ state }) => state === 'scheduled').length;
    return scheduled > 10 && messages.length - scheduled <= 5;
  });
  await waitFor('each device that waits is told its own time', async () => {
    const shown = await Promise.all(uuids.map((uuid) => system.get(uuid)));
    const waiting = shown.filter(({ json }) => json.state === 'queued').map(expectedAt);
    const spread = Math.max(...waiting) - Math.min(...waiting);
    return waiting.length > 2 && spread > (waiting.length / perSecond / 2) * 1_000;
  });

  await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
  expect((await hub.requested()).counts).toEqual({ 'PUT /devices/{id}': { 200: devices } });
  await waitFor('the last delivery has ended', async () => (await queue.messages()).length === 0);
  // One delivery may find that others wait for their look-ups, one looks up and reserves, and one works.
  expect(deliveries() - before).toBeLessThanOrEqual(3 * devices);
  expect(await queue.deadLetters()).toEqual([]);
});

test('when the hub throttles, everything that waits moves by what it asked for, and nothing fails', async () => {
  const uuids = await newDevices(3);
  const throttled = await hub.fault({
    method: 'PUT',
    times: 1,
    status: 429,
    body: {
      Message:
        'ErrorCode:ThrottlingBacklogTimeout;The request has been throttled. Wait 4 seconds and try again.',
      ExceptionMessage: 'Tracking ID:1',
    },
  });
  await Promise.all(uuids.map((uuid) => system.post(uuid, 'main')));
  await throttled(1);
  const requested = Date.now();
  // A device that requests late gets a later time.
  const late = await balena.newDevice();
  await waitFor(
    'the pace has moved',
    async () => expectedAt(await system.post(late, 'main')) - requested > 2_500,
  );

  await Promise.all([...uuids, late].map((uuid) => system.state(uuid, 'provisioned')));
  expect(await queue.deadLetters()).toEqual([]);
});
