import { type ErrorCode, ProvisioningError } from '../../../src/shared/errors.js';
import { backOff, quickTryAfter } from '../../../src/throttling/backOff.js';

const error = (code: ErrorCode, retryAfterMs?: number) =>
  new ProvisioningError(code, '', retryAfterMs === undefined ? {} : { retryAfterMs });

test.each([
  [0, 5_000],
  [1, 10_000],
  [3, 40_000],
  [9, 2_560_000],
  [10, 3_600_000],
  [1_000, 3_600_000],
])('after %i retries the next comes within %i ms', (retries, most) => {
  expect(backOff(error('timed-out'), retries, 1)).toBe(most);
  expect(backOff(error('timed-out'), retries, 0.5)).toBe(most / 2);
});

test('the longest can be set, also for what is retried slowly', () => {
  expect(backOff(error('timed-out'), 9, 1, 8_000)).toBe(8_000);
  expect(backOff(error('hub-unauthorized'), 0, 1, 8_000)).toBe(8_000);
});

test('it never comes sooner than in a second', () => {
  expect(backOff(error('timed-out'), 0, 0)).toBe(1_000);
});

test.each(['balena-unauthorized', 'hub-unauthorized', 'hub-quota-exceeded'] as const)(
  'what a few seconds do not mend (%s) starts at a minute',
  (code) => {
    expect(backOff(error(code), 0, 1)).toBe(60_000);
  },
);

test('it is never before the time that the other side asked for, and spread a little after it', () => {
  const throttled = error('hub-throttled', 30_000);
  expect(backOff(throttled, 0, 0)).toBe(31_000);
  expect(backOff(throttled, 9, 1)).toBe(35_000);
});

test('four quick tries take about a minute', () => {
  const waits = (random: number) => [0, 1, 2, 3].map((tries) => quickTryAfter(tries, random));
  expect(waits(0)).toEqual([2_500, 5_000, 10_000, 20_000]);
  expect(waits(1)).toEqual([5_000, 10_000, 20_000, 40_000]);
  expect(quickTryAfter(3, 1, 2_000)).toBe(2_000);
});
