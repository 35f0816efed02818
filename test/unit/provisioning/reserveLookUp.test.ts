import type { DeviceRecord } from '../../../src/device/record.js';
import { reserveLookUp } from '../../../src/provisioning/lookUp.js';
import { openBalenaLimit } from '../../../src/throttling/balenaLimit.js';
import { openRateLimiter, type RateLimiterRow } from '../../../src/throttling/openRateLimiter.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';
import { now, provisioned, queued } from '../../support/records.js';

const seconds = 1_000;

/** Reserves behind other look-ups, of which each takes a second. */
async function behind(others: number, record: DeviceRecord, laterMs = 0) {
  const clock = handClock(now);
  const rateLimiter = openRateLimiter({ table: memoryTable<RateLimiterRow>(), clock, perMinute: 60 });
  const balenaLimit = openBalenaLimit(rateLimiter, clock);
  const { fleet } = record.observed;
  await Promise.all(Array.from({ length: others }, () => balenaLimit.reserve({ fleet })));
  clock.at += laterMs;
  return reserveLookUp({ balenaLimit, clock, random: () => 0.5 }, record);
}

const check = { ...provisioned, check: { generation: 1, due: now } };
const absent = { ...queued, desired: { ...queued.desired, present: false, service: null } };
const discarded = { at: now, by: 'ops', reason: 'no need' };

test.each([
  ['a request waits in memory if its look-up is near', 3, queued, { kind: 'now', due: now + 3 * seconds }],
  [
    'a request waits in the queue if its look-up is far',
    30,
    queued,
    { kind: 'later', due: now + 30 * seconds, lookUp: { lane: '', turn: now + 30 } },
  ],
  ['a deprovisioning never waits', 300, absent, { kind: 'now', due: now, lookUp: null }],
  [
    'a check begins behind a minute of look-ups at most',
    50,
    check,
    { kind: 'later', due: now + 50 * seconds, lookUp: { lane: '', turn: now + 50 } },
  ],
  [
    'a check behind more look-ups comes again after 5 to 10 minutes, and reserves nothing',
    90,
    check,
    { kind: 'later', due: now + 450 * seconds, lookUp: null },
  ],
  [
    'a check of a discarded deprovisioning begins with a look-up',
    30,
    { ...absent, job: { ...queued.job!, dead: { at: now, discarded } }, check: check.check },
    { kind: 'later', due: now + 30 * seconds },
  ],
])('%s', async (_, others, record, expected) => {
  expect(await behind(others, record)).toMatchObject(expected);
});

test('a reservation is kept, also if the look-up comes late', async () => {
  const lookUp = { lane: '', turn: now + 20 };
  const reserved = { ...queued, job: { ...queued.job!, lookUp } };
  expect(await behind(300, reserved)).toMatchObject({ kind: 'later', lookUp });
  expect(await behind(300, reserved, 50 * seconds)).toMatchObject({ kind: 'now', lookUp });
});
