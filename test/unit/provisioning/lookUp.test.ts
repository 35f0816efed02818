import type { WorkerDependencies } from '../../../src/provisioning/dependencies.js';
import { virtualWorker } from '../../support/virtualWorker.js';

const seconds = 1_000;
const minutes = 60 * seconds;
const unknown = (i: number) => `f${i.toString(16).padStart(31, '0')}`;
const known = (i: number) => i.toString(16).padStart(32, '0');
const hasDevice = (uuid: string) => uuid.startsWith('0');
const honest = Array.from({ length: 100 }, (_, i) => known(i));
const list = (others: number, uuidOf: (i: number) => string, service: string) =>
  Array.from({ length: others }, (_, i) => ({ uuid: uuidOf(i), service }));

/** 100 honest devices request after other requests. @returns how long the last honest device waits, ms */
async function waitAfter(
  requests: { uuid: string; service: string }[],
  claim: { proved?: true; announced?: true } = {},
) {
  const worker = virtualWorker({ perMinute: 100, balenaPerMinute: 3_000, hasDevice });
  for (const request of requests) await worker.request({ ...request, present: true });
  await worker.until(() => worker.counts.deliveries >= requests.length, minutes);
  for (const uuid of honest) await worker.request({ uuid, present: true, service: 'main', ...claim });
  const isDone = async () => {
    if (worker.counts.hub < honest.length) return false;
    for (const uuid of honest) if ((await worker.record(uuid)).completedAt === null) return false;
    return true;
  };
  const waited = await worker.until(isDone, 60 * minutes);
  return { waited, worker };
}

/** 100 devices at 100 registry operations a minute. */
const alone = 60 * seconds;
/** At 3,000 requests to balena a minute. */
const lookUpMs = 20;

describe('a device is looked up in balena before a registry operation is reserved', () => {
  test('2,000 unknown UUIDs take no registry operation of honest devices, and end within two minutes', async () => {
    const { waited, worker } = await waitAfter(list(2_000, unknown, 'main'));
    expect(waited).toBeLessThanOrEqual(alone + 2_000 * lookUpMs);
    expect(worker.counts.hub).toBe(honest.length);
    const haveEnded = async () => {
      for (let i = 0; i < 2_000; i += 1) if (!(await worker.record(unknown(i))).job?.dead) return false;
      return true;
    };
    await worker.until(haveEnded, minutes);
    // A device that balena does not have and never had needs no dead letter.
    expect(worker.counts.deadLetters).toBe(0);
    // Once a minute another request asks whether our key sees any fleet. Honest devices cost four requests.
    expect(worker.counts.balena).toBeLessThanOrEqual(2_000 + 3 + 4 * honest.length);
  });

  test('a device that proves its identity loses no time to requests that others made for it before', async () => {
    const others = [...list(2_000, unknown, 'main'), ...list(100, known, 'main')];
    const { waited } = await waitAfter(others, { proved: true });
    expect(waited).toBeLessThanOrEqual(alone + 2 * honest.length * lookUpMs);
  });

  test('a revocation is looked up at once, also if the device waits for its look-up behind others', async () => {
    const lookedUp: string[] = [];
    const prepare = (deps: WorkerDependencies) => {
      const { findDevice } = deps.balena;
      deps.balena.findDevice = (uuid) => {
        lookedUp.push(uuid);
        return findDevice(uuid);
      };
    };
    const worker = virtualWorker({ perMinute: 1_000, balenaPerMinute: 60, hasDevice, prepare });
    const place = { present: true, service: 'main' } as const;
    for (const uuid of honest) await worker.request({ uuid, ...place });
    const isDone = async (uuid: string) => (await worker.record(uuid)).completedAt !== null;
    await worker.until(async () => (await Promise.all(honest.map(isDone))).every(Boolean), 60 * minutes);
    const { thumbprint } = (await worker.record(known(99))).observed;
    const retire = thumbprint ?? '';
    for (const uuid of honest) await worker.request({ uuid, ...place, retire });
    const waits = async () => (await worker.record(known(99))).job?.lookUp !== undefined;
    await worker.until(waits, minutes);
    lookedUp.length = 0;
    await worker.request({ uuid: known(99), ...place, retire, revoke: true });
    expect(await worker.until(() => lookedUp.includes(known(99)), 60 * minutes)).toBeLessThanOrEqual(seconds);
  });

  test.each([{ proved: true }, { announced: true }] as const)(
    '2,000 unknown UUIDs delay no new device of which the caller cannot have invented the UUID: %j',
    async (claim) => {
      const { waited } = await waitAfter(list(2_000, unknown, 'main'), claim);
      // Both lanes share the look-ups.
      expect(waited).toBeLessThanOrEqual(alone + 2 * honest.length * lookUpMs);
    },
  );

  test.each([
    ['an unknown UUID costs two requests to balena', unknown(1), 'main', 2],
    ['a wrong service costs one request to balena', known(1), 'typo', 1],
  ])('on an idle system, %s', async (_, uuid, service, requests) => {
    const worker = virtualWorker({ perMinute: 100, balenaPerMinute: 3_000, hasDevice });
    await worker.request({ uuid, service, present: true });
    const hasEnded = async () => Boolean((await worker.record(uuid)).job?.dead);
    expect(await worker.until(hasEnded, minutes)).toBeLessThanOrEqual(seconds);
    await worker.until(() => worker.clock.at > 0, 10 * minutes);
    expect(worker.counts).toMatchObject({ balena: requests, hub: 0 });
    // Within the next minute, another unknown UUID costs one request.
    await worker.request({ uuid: unknown(2), service, present: true });
    await worker.until(async () => Boolean((await worker.record(unknown(2))).job?.dead), minutes);
    expect(worker.counts).toMatchObject({ balena: requests + 1, hub: 0 });
  });

  test('500 requests for a wrong service end at once', async () => {
    const { waited, worker } = await waitAfter(list(500, (i) => known(1_000 + i), 'typo'));
    expect(worker.counts).toMatchObject({ hub: honest.length, deadLetters: 500 });
    expect(waited).toBeLessThanOrEqual(alone + 500 * lookUpMs);
  });

  test('an unknown UUID ends within seconds behind 500 devices that wait at the hub', async () => {
    const worker = virtualWorker({ perMinute: 100, balenaPerMinute: 3_000, hasDevice });
    for (const request of list(500, (i) => known(1_000 + i), 'main'))
      await worker.request({ ...request, present: true });
    await worker.until(() => worker.counts.balena >= 500, minutes);
    await worker.request({ uuid: unknown(1), present: true, service: 'main' });
    await worker.request({ uuid: known(1), present: true, service: 'typo' });
    const errorOf = async (uuid: string) => (await worker.record(uuid)).error?.code;
    const isTold = async () =>
      (await errorOf(unknown(1))) === 'device-not-found' && (await errorOf(known(1))) === 'service-not-found';
    expect(await worker.until(isTold, minutes)).toBeLessThanOrEqual(10 * seconds);
    const hasEnded = async () => Boolean((await worker.record(unknown(1))).job?.dead);
    await worker.until(hasEnded, 2 * minutes);
    expect(worker.counts.deadLetters).toBe(1);
  });
});
