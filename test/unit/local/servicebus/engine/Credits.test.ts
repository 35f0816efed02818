import { Credits } from '../../../../../local/simulators/servicebus/engine/Credits.js';
import { handClock } from '../../../../support/handClock.js';

const open = (perSecond: number) => {
  const clock = handClock(1_800_000_000_000);
  return { clock, credits: new Credits(clock, perSecond) };
};

test('the credits of a second are used up, and the next second has new credits', () => {
  const { clock, credits } = open(10);
  credits.take(10);
  expect(() => credits.take(1)).toThrow(expect.objectContaining({ code: 'server-busy' }));
  expect(credits.tryTake(1)).toBe(false);
  expect(credits.nextPeriod() - clock.now()).toBe(1_000);
  clock.advance(1_000);
  credits.take(1);
  expect(credits.counts()).toEqual({ perSecond: 10, used: 11, refused: 1, busySeconds: 1 });
});

test('unused credits are not saved, and a large batch takes the credits of the next seconds', () => {
  const { clock, credits } = open(10);
  clock.advance(5_000);
  credits.take(25);
  clock.advance(1_000);
  expect(credits.tryTake(1)).toBe(false);
  clock.advance(1_000);
  expect(credits.tryTake(1)).toBe(true);
});

test('a limit of 0 refuses everything, and without a limit nothing is refused', () => {
  const { clock, credits } = open(0);
  expect(credits.tryTake(1)).toBe(false);
  clock.advance(60_000);
  expect(credits.tryTake(1)).toBe(false);
  credits.limitTo(Infinity);
  for (let count = 0; count < 10; count += 1) credits.take(1_000_000);
  clock.advance(1_000);
  expect(credits.tryTake(1)).toBe(true);
  expect(credits.counts()).toMatchObject({ perSecond: null, refused: 0 });
});
