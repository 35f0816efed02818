import { mostUuids } from '../../../../src/balena/listing.js';
import { openFleetOf } from '../../../../src/http/proof/fleets.js';
import { virtualClock } from '../../../support/virtualClock.js';

const uuidOf = (at: number) => at.toString(16).padStart(32, '0');

/** Reads fleets from a balena that answers after 10 ms, and notes each request. */
function opened() {
  const clock = virtualClock();
  const requests: { at: number; count: number }[] = [];
  const failing = { is: false };
  const fleetOf = openFleetOf(clock, async (uuids) => {
    requests.push({ at: clock.now(), count: uuids.length });
    await clock.sleep(10);
    if (failing.is) throw new Error('balena is down');
    return new Map(uuids.map((uuid) => [uuid, `fleet of ${uuid}`]));
  });
  const read = (count: number, from = 0) =>
    Promise.allSettled(Array.from({ length: count }, (_, at) => fleetOf(uuidOf(from + at))));
  return { clock, requests, failing, fleetOf, read };
}

test('one request answers for all devices that wait, and the same device waits once', async () => {
  const { clock, requests, fleetOf, read } = opened();
  const first = fleetOf('first');
  const rest = read(mostUuids);
  const again = fleetOf(uuidOf(0));
  await clock.passTo(600_000);
  expect(await first).toBe('fleet of first');
  expect(await again).toBe(`fleet of ${uuidOf(0)}`);
  expect((await rest).every(({ status }) => status === 'fulfilled')).toBe(true);
  expect(requests.reduce((sum, { count }) => sum + count, 0)).toBe(mostUuids + 1);
  expect(requests.length).toBeLessThanOrEqual(2);
});

test('balena gets two requests a second, after a pause a few more, and one at a time', async () => {
  const { clock, requests, fleetOf } = opened();
  const reading: Promise<unknown>[] = [];
  for (let ms = 0; ms < 10_000; ms += 20) {
    reading.push(fleetOf(uuidOf(ms)));
    await clock.passTo(ms);
  }
  await clock.passTo(600_000);
  await Promise.all(reading);
  expect(requests.length).toBeLessThanOrEqual(2 * 10 + 5);
  const gaps = requests.slice(1).map(({ at }, i) => at - requests[i]!.at);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10);
});

test('a device beyond the bound of the line is refused at once', async () => {
  const { clock, read, fleetOf } = opened();
  const all = read(6 * mostUuids + 2);
  const late = fleetOf('late').catch((error: unknown) => error);
  await clock.passTo(600_000);
  expect(await late).toMatchObject({ code: 'balena-throttled' });
  expect((await all).filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(
    6 * mostUuids,
  );
});

test('a reading that fails is answered with the error, and the next reading begins', async () => {
  const { clock, failing, fleetOf } = opened();
  failing.is = true;
  const failed: unknown[] = [];
  fleetOf('a').catch((error: unknown) => failed.push(error));
  await clock.passTo(1_000);
  expect(failed).toMatchObject([{ message: 'balena is down' }]);
  failing.is = false;
  const next = fleetOf('a');
  await clock.passTo(2_000);
  expect(await next).toBe('fleet of a');
});
