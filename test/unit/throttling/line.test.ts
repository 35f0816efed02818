import {
  advance,
  dueOf,
  giveBack,
  initialRow,
  isReleased,
  type RateLimiterRow,
  rateOf,
  take,
  waitingOf,
} from '../../../src/throttling/line.js';
import type { Reservation } from '../../../src/throttling/rateLimiter.js';

/* The numbers of the line after a turn has ended twice, or in a process of an earlier version. */

const begin = 1_800_000_000_000;
/** One operation a second. */
const rate = rateOf(60);
const fleet = 'org/a';

/** A row without a free operation, in whose line a fleet has as many devices. */
function lineOf(devices: number): { row: RateLimiterRow; turns: Reservation[] } {
  const row = structuredClone(initialRow);
  advance(row, rate, begin);
  row.spare = 0;
  return { row, turns: Array.from({ length: devices }, () => take(row, rate, begin, { fleet })) };
}

test('a turn that is given back after its device used another turn is counted once', () => {
  const { row, turns } = lineOf(5);
  giveBack(row, turns[2]!, 'served');
  giveBack(row, turns[2]!);
  expect(waitingOf(row)).toBe(4);
  advance(row, rate, begin + 3_000);
  expect(waitingOf(row)).toBe(1);
  expect(isReleased(row, turns[4]!)).toBe(false);
  // Nobody gets the turn: the device behind has moved up.
  expect(take(row, rate, begin + 3_000, { fleet }).turn).toBeGreaterThan(turns[4]!.turn);
});

test('the last turn of a lane is given back only once', () => {
  const { row, turns } = lineOf(3);
  giveBack(row, turns[2]!, 'served');
  giveBack(row, turns[2]!);
  expect(waitingOf(row)).toBe(2);
  expect(dueOf(row, rate, begin, turns[1]!)).toBe(begin + 2_000);
});

test('a process of version 0.1 that released a turn of a served device does not release the devices behind', () => {
  const { row, turns } = lineOf(6);
  giveBack(row, turns[1]!, 'served');
  giveBack(row, turns[3]!, 'served');
  // Version 0.1 keeps the ranges, and does not skip them.
  const lane = row.lanes[fleet]!;
  lane.released += 2;
  advance(row, rate, begin);
  expect(waitingOf(row)).toBe(3);
  advance(row, rate, begin + 2_000);
  expect(isReleased(row, turns[4]!)).toBe(true);
  expect(isReleased(row, turns[5]!)).toBe(false);
  expect(waitingOf(row)).toBe(1);
});
