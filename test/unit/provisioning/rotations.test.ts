import type { DeviceRequest } from '../../../src/device/request.js';
import { virtualWorker } from '../../support/virtualWorker.js';

const seconds = 1_000;
const minutes = 60 * seconds;
const uuidOf = (i: number) => i.toString(16).padStart(32, '0');

let keys = 0;
/** A request with an own key that was never there before. */
function withNewKey(uuid: string, now: number): DeviceRequest {
  keys += 1;
  const thumbprint = keys.toString(16).toUpperCase().padStart(64, '0');
  const key = thumbprint;
  const own = { thumbprint, key, notBefore: now, notAfter: now + 86_400_000, keyAlgorithm: 'ec-p256' };
  return { uuid, present: true, service: null, own };
}

/** Some devices request another own key again and again. @returns what a device of the same fleet meets that comes afterwards */
async function play(devices: number, everyMs: number, forMs: number) {
  const worker = virtualWorker({ perMinute: 100, balenaPerMinute: 3_000, hasDevice: () => true });
  const { clock } = worker;
  const begin = clock.at;
  const next = Array.from({ length: devices }, (_, i) => begin + (i * everyMs) / devices);
  const answers: Record<string, number> = {};
  const loop = async () => {
    for (const [i, at] of next.entries()) {
      if (clock.at < at) continue;
      const { kind } = await worker.request(withNewKey(uuidOf(i), clock.at));
      answers[kind] = (answers[kind] ?? 0) + 1;
      next[i] = clock.at + everyMs;
    }
  };
  // Virtual time goes on also while no work waits.
  const goOn = (): Promise<void> => clock.sleep(seconds).then(goOn);
  void goOn();
  await worker.until(async () => {
    await loop();
    return clock.at >= begin + forMs;
  }, 2 * forMs);
  const operations = worker.counts.hub;
  const honest = uuidOf(1_000_000);
  await worker.request(withNewKey(honest, clock.at));
  const waitedMs = await worker.until(async () => {
    await loop();
    return (await worker.record(honest)).completedAt !== null;
  }, 60 * minutes);
  return { operations, waitedMs, answers };
}

test('100 devices that lose their volumes every 20 s do not use up the rate of the hub', async () => {
  const { operations, waitedMs, answers } = await play(100, 20 * seconds, 12 * minutes);
  // The first key and three others. Without the limit: 100 operations a minute for as long as the loop goes on, and a wait of a minute.
  expect(operations).toBeLessThanOrEqual(400);
  expect(answers).toMatchObject({ accepted: 400, 'too-many-keys': expect.any(Number) });
  expect(waitedMs).toBeLessThanOrEqual(2 * seconds);
});

test('one malicious device that requests another key every second costs four registry operations', async () => {
  const { operations, answers } = await play(1, seconds, 5 * minutes);
  expect(operations).toBeLessThanOrEqual(4);
  expect(answers.accepted).toBe(4);
});
