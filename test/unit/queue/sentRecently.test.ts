import { rememberSent } from '../../../src/queue/publish.js';
import { handClock } from '../../support/handClock.js';

test('what was sent is remembered for the duplicate window of the queue', () => {
  const clock = handClock(0);
  const sent = rememberSent(clock, 60_000);
  sent.add('r.1');
  expect([sent.has('r.1'), sent.has('r.2')]).toEqual([true, false]);
  clock.at = 59_999;
  expect(sent.has('r.1')).toBe(true);
  clock.at = 60_000;
  expect(sent.has('r.1')).toBe(false);
});

test('what is sent again is remembered for the duplicate window from then', () => {
  const clock = handClock(0);
  const sent = rememberSent(clock, 60_000);
  sent.add('r.1');
  clock.at = 50_000;
  sent.add('r.1');
  sent.add('r.2');
  clock.at = 70_000;
  sent.add('r.3');
  expect([sent.has('r.1'), sent.has('r.2')]).toEqual([true, true]);
});

test('of very many in the window the oldest are forgotten', () => {
  const sent = rememberSent(handClock(0), 60_000);
  for (let i = 0; i <= 100_000; i += 1) sent.add(`r.${i}`);
  expect([sent.has('r.0'), sent.has('r.1'), sent.has('r.100000')]).toEqual([false, true, true]);
});
