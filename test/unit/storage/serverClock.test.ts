import { openServerClock } from '../../../src/storage/serverClock.js';
import { handClock } from '../../support/handClock.js';

const true0 = 1_800_000_000_000;

/** A process whose clock is ahead of the true time, and answers of the tables that take 20 ms. */
function open(aheadMs: number) {
  const local = handClock(true0 + aheadMs);
  const clock = openServerClock(local);
  let ahead = aheadMs;
  return {
    clock,
    /** The error of the clock, ms. */
    error: () => clock.now() - (local.at - ahead),
    setLocal(ms: number) {
      local.at += ms;
      ahead += ms;
    },
    answer(afterMs: number) {
      local.at += afterMs;
      const sentAt = local.at;
      local.at += 20;
      const date = Math.floor((local.at - 10 - ahead) / 1_000) * 1_000;
      clock.noteDate(date, sentAt, local.at);
    },
  };
}

test('a right clock is not corrected', () => {
  const process = open(0);
  for (let i = 0; i < 50; i += 1) process.answer(337);
  expect(process.error()).toBe(0);
});

test.each([1_800_000, -1_800_000])('a clock that is %d ms ahead is right after a few answers', (aheadMs) => {
  const process = open(aheadMs);
  expect(process.error()).toBe(aheadMs);
  process.answer(337);
  expect(Math.abs(process.error())).toBeLessThanOrEqual(1_020);
  for (let i = 0; i < 50; i += 1) process.answer(337);
  expect(Math.abs(process.error())).toBeLessThanOrEqual(100);
});

test.each([600_000, -600_000])(
  'a clock that is set by %d ms while the process runs is corrected anew',
  (ms) => {
    const process = open(0);
    for (let i = 0; i < 10; i += 1) process.answer(337);
    process.setLocal(ms);
    process.answer(337);
    expect(Math.abs(process.error())).toBeLessThanOrEqual(1_020);
  },
);
