import { rememberSight } from '../../../src/balena/sight.js';
import { handClock } from '../../support/handClock.js';

test('the view of the key is remembered for a minute', () => {
  const clock = handClock(0);
  const sight = rememberSight(clock);
  expect(sight.isFresh()).toBe(false);
  sight.note();
  clock.at += 59_999;
  expect(sight.isFresh()).toBe(true);
  clock.at += 1;
  expect(sight.isFresh()).toBe(false);
  sight.note();
  expect(sight.isFresh()).toBe(true);
});
