import { renewalShare, renewalTime } from '../../../src/certificates/renewal.js';
import { day, now, uuidOf } from '../../support/fleetTools.js';

const hour = day / 24;
/** One S1 unit: 144,000 operations a day. */
const operationsPerMinute = 100;
const expiring = (count: number, left: number) => Array<number>(count).fill(now + left);

test.each<[what: string, due: number[], share: [part: number, hours: number, late: number]]>([
  ['nothing is due', [], [0.25, 4, 0]],
  ['all fits into the usual share', expiring(6_000, 2 * day), [0.25, 4, 0]],
  ['it takes more hours', expiring(12_000, 2 * day), [0.25, 8, 0]],
  ['it takes a quarter around the clock', expiring(36_000, 2 * day), [0.25, 24, 0]],
  ['it takes more of the pace', expiring(72_000, 2 * day), [0.5, 24, 0]],
  ['it takes more than half of the time at most of the pace', expiring(150_000, 2 * day), [0.75, 24, 0]],
  ['it takes longer than there is time', expiring(220_000, 2 * day), [0.75, 24, 4_000]],
  ['a few have little time', [...expiring(10, hour), ...expiring(1_000, 30 * day)], [0.25, 4, 0]],
  ['some have expired', [...expiring(1_000, -day), ...expiring(1_000, 30 * day)], [0.25, 4, 0]],
  [
    'some have expired, and are before those that have little time',
    [...expiring(18_000, -day), ...expiring(18_000, 2 * day)],
    [0.25, 24, 0],
  ],
])('where %s', (_, due, [part, hours, late]) => {
  const share = renewalShare(due, now, operationsPerMinute);
  expect(share.part).toBeCloseTo(part);
  expect(share.spreadMs / hour).toBeCloseTo(hours);
  expect(share.late).toBe(late);
});

/** Runs every day until all certificates of one moment are renewed. */
function live(count: number, lifeDays: number) {
  const notBefore = now;
  const notAfter = now + lifeDays * day;
  const times = Array.from({ length: count }, (_, index) =>
    renewalTime({ uuid: uuidOf(index), notBefore, notAfter }, 0.8),
  ).sort((a, b) => a - b);
  let done = 0;
  let fallen = 0;
  let part = 0;
  let hours = 0;
  let late = 0;
  let at = now;
  while (done < count && at < notAfter) {
    at += day;
    while (fallen < count && times[fallen]! <= at) fallen += 1;
    const due = fallen - done;
    const share = renewalShare(Array<number>(due).fill(notAfter), at, operationsPerMinute);
    part = Math.max(part, share.part);
    hours = Math.max(hours, share.spreadMs / hour);
    late = Math.max(late, share.late);
    done += Math.min(due, Math.floor((share.part * share.spreadMs * operationsPerMinute) / 60_000));
  }
  return { done, part, hours, late, daysLeft: (notAfter - at) / day };
}

test.each([
  // Lifetime, days; the largest share of the rate, and hours of this share a day; days left at the end.
  [365, 0.25, 4, 36],
  [180, 0.25, 4, 18],
  [90, 0.25, 8, 3],
  [60, 0.25, 12, 2],
  [30, 0.3, 24, 2],
])(
  '100,000 certificates of %d days, minted together, are renewed in time by one unit of S1',
  (life, part, hours, left) => {
    const lived = live(100_000, life);
    expect(lived).toMatchObject({ done: 100_000, late: 0 });
    expect(lived.part).toBeLessThanOrEqual(part);
    expect(lived.hours).toBeLessThanOrEqual(hours);
    expect(lived.daysLeft).toBeGreaterThanOrEqual(left);
  },
);
