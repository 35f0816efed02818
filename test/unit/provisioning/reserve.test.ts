import type { DeviceRecord } from '../../../src/device/record.js';
import { requested } from '../../../src/device/transitions.js';
import { claimOf, reserve } from '../../../src/provisioning/reserve.js';
import { openRateLimiter, type RateLimiterRow } from '../../../src/throttling/openRateLimiter.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';
import { now, provisioned, queued } from '../../support/records.js';

const perMinute = 5_000;
const reserved = 20_000;
const putOffMs = 5;

/**
 * A worker comes back to a queue of reservations after the first reservations have passed.
 *
 * @param awayMs how long the worker was away
 * @param workMs how long the worker works on a device, one after the other
 * @returns the times of the work, and the turns in their order
 */
async function comeBack(awayMs: number, workMs: number) {
  const clock = handClock(now);
  const rateLimiter = openRateLimiter({
    table: memoryTable<RateLimiterRow>(),
    clock,
    perMinute,
    random: () => 0,
  });
  const deps = { rateLimiter, clock, settings: { renewAt: 0.8 }, random: () => 0.5 };
  const reservations = await Promise.all(Array.from({ length: reserved }, () => rateLimiter.reserve()));
  const queue = await Promise.all(
    reservations.map(async (reservation) => ({ reservation, due: await rateLimiter.wakeAt(reservation) })),
  );
  const worked: number[] = [];
  const turns: number[] = [];
  clock.at += awayMs;
  for (const end = clock.at + 120_000; clock.at < end; ) {
    const next = queue.shift();
    if (!next) break;
    clock.at = Math.max(clock.at, next.due);
    const { reservation } = next;
    const result = await reserve(deps, { ...queued, job: { generation: 1, due: next.due, reservation } });
    if (result.kind === 'now') {
      rateLimiter.markUsed(reservation);
      await new Promise(setImmediate);
      worked.push(clock.at);
      turns.push(reservation.turn);
      clock.at += workMs;
    } else {
      clock.at += putOffMs;
      const at = queue.findLastIndex(({ due }) => due <= result.due);
      queue.splice(at + 1, 0, { reservation, due: result.due });
    }
  }
  return { worked, turns };
}

const longestPause = (times: number[]) => Math.max(...times.slice(1).map((at, i) => at - (times[i] ?? 0)));

test('a worker that is slower than the rate works without a pause after a time away', async () => {
  const { worked } = await comeBack(60_000, 25);
  expect(longestPause(worked)).toBeLessThan(1_000);
  expect(worked.length).toBeGreaterThan((120_000 / 25) * 0.9);
});

test('a worker that is faster than the rate keeps to it, and the line has waited for the worker', async () => {
  const { worked, turns } = await comeBack(60_000, 1);
  expect(longestPause(worked)).toBeLessThan(1_000);
  const most = ((120_000 + 10_000 + 5_000) * perMinute) / 60_000;
  expect(worked.length).toBeLessThanOrEqual(most);
  expect(worked.length).toBeGreaterThan(((120_000 - 2_000) * perMinute) / 60_000);
  // Nobody is overtaken by more than the work of ten seconds.
  const window = (10_000 * perMinute) / 60_000;
  const [first = 0] = turns.splice(0, 2).slice(-1);
  expect(Math.max(...turns.map((turn, i) => Math.abs(turn - first - i - 1)))).toBeLessThan(2 * window);
});

describe('a check', () => {
  const check = { ...queued, job: null, check: { generation: 1, due: now } };

  async function reserveBehind(reservations: number, record: DeviceRecord = check, isUrgent = false) {
    const clock = handClock(now);
    const rateLimiter = openRateLimiter({ table: memoryTable<RateLimiterRow>(), clock, perMinute: 60 });
    const { fleet } = record.observed;
    await Promise.all(Array.from({ length: reservations }, () => rateLimiter.reserve({ fleet, isUrgent })));
    return reserve({ rateLimiter, clock, settings: { renewAt: 0.8 }, random: () => 0.5 }, record);
  }

  test('that needs an operation does not begin if none is free for a minute: it tries again after 5 to 10 minutes', async () => {
    expect(await reserveBehind(90)).toEqual({ kind: 'later', due: now + 450_000, reservation: null });
  });

  test('of a device with one half of a new pair takes its place in the line at once, however many go first', async () => {
    const observed = { ...provisioned.observed, thumbprint: null, previous: 'A'.repeat(64) };
    const half = { ...provisioned, observed, check: { generation: 1, due: now } };
    expect(await reserveBehind(90, half, true)).toEqual({ kind: 'now', due: now, reservation: null });
  });

  describe('of a device that the hub is known to accept', () => {
    const accepted = (hubSeenAt?: number) => ({
      ...provisioned,
      observed: { ...provisioned.observed, ...(hubSeenAt !== undefined && { hubSeenAt }) },
      check: { generation: 1, due: now },
    });
    const yesterday = now - 86_400_001;

    test.each([
      [
        'asks the hub if the hub was last asked a day ago, and an operation is free',
        accepted(yesterday),
        0,
        true,
      ],
      ['asks the hub if nobody knows when the hub was last asked', accepted(), 0, true],
      ['does not ask the hub twice a day', accepted(yesterday + 2), 0, false],
      ['does not ask the hub while requests wait for it', accepted(yesterday), 5, false],
      [
        'that is a request does not ask the hub',
        { ...accepted(yesterday), check: null, job: { generation: 1, due: now } },
        0,
        false,
      ],
    ])('%s', async (_, record, reservations, asks) => {
      const result = await reserveBehind(reservations, record);
      expect(result).toMatchObject({ kind: 'now', due: now });
      expect(result.verifiesHub ?? false).toBe(asks);
      expect(result.reservation).toBeNull();
    });
  });

  test('begins if an operation is free within the next minute', async () => {
    expect(await reserveBehind(30)).toEqual({ kind: 'now', due: now, reservation: null });
  });
});

test.each([
  ['a deprovisioning is urgent', { ...provisioned.desired, present: false, service: null }, true],
  ['a provisioning is not urgent', provisioned.desired, false],
])('%s, also in a known fleet', (_, desired, isUrgent) => {
  const fleet = 'my_org/one';
  const observed = { ...provisioned.observed, fleet };
  expect(claimOf({ ...provisioned, desired, observed, job: queued.job })).toMatchObject({ fleet, isUrgent });
});

test('a device that was announced stays known when somebody requests another service for the device', () => {
  const clock = handClock(now);
  const context = { now: clock.now(), traceparent: undefined };
  const request = { uuid: provisioned.uuid, present: true as const };
  const announced = requested(null, context, { ...request, service: 'edge', announced: true }, 'a');
  expect(claimOf(announced)).toMatchObject({ fleet: null, isKnown: true });
  expect(claimOf(requested(announced, context, { ...request, service: 'other' }, 'b')).isKnown).toBe(true);
  expect(claimOf(requested(null, context, { ...request, service: 'other' }, 'b')).isKnown).toBe(false);
});
