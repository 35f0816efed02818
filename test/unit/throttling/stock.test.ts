import { openStock, stockMs } from '../../../src/throttling/stock.js';
import { handClock } from '../../support/handClock.js';

const one = (turn: number) => ({ lane: 'a', turn });
const claim = { fleet: 'a' };
const open = () => {
  const clock = handClock(1_000_000);
  return { clock, stock: openStock(clock) };
};

test('operations that were taken ahead are used in their order, by the same claim alone', () => {
  const { stock } = open();
  expect(stock.put([[claim, [one(1), one(2)]]])).toBe(true);
  expect(stock.take({ fleet: 'b' })).toBeUndefined();
  expect(stock.take({ fleet: 'a', isUrgent: true })).toBeUndefined();
  expect([stock.take(claim), stock.take(claim), stock.take(claim)]).toEqual([one(1), one(2), undefined]);
});

test('what nobody has used within five seconds is given back, and is not used any more', () => {
  const { clock, stock } = open();
  stock.put([[claim, [one(1)]]]);
  clock.at += 1_000;
  stock.put([[claim, [one(2)]]]);
  clock.at += stockMs - 1_000;
  expect(stock.expired()).toEqual([]);
  clock.at += 1;
  expect(stock.take(claim)).toBeUndefined();
  expect(stock.expired()).toEqual([one(1)]);
  expect(stock.expired()).toEqual([]);
  expect(stock.take(claim)).toEqual(one(2));
});

test('a block is what the calls need in 2.5 seconds, less what is there, and has a bound', () => {
  const { stock } = open();
  for (let calls = 0; calls < 10; calls += 1) stock.take(claim);
  expect(stock.wanted(1_000, 100)).toEqual([[claim, 25]]);
  stock.put([[claim, [one(1), one(2)]]]);
  for (let calls = 0; calls < 12; calls += 1) stock.take(claim);
  stock.put([[claim, [one(3), one(4)]]]);
  expect(stock.wanted(1_000, 8)).toEqual([[claim, 6]]);
});

test('no urgent operation is taken ahead, because urgent work borrows', () => {
  const { stock } = open();
  for (let calls = 0; calls < 10; calls += 1) stock.take({ fleet: 'a', isUrgent: true });
  expect(stock.wanted(1_000, 100)).toEqual([]);
});
