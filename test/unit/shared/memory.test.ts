import { openMemory } from '../../../src/shared/memory.js';
import { handClock } from '../../support/handClock.js';

const open = () => {
  const clock = handClock(0);
  return { clock, memory: openMemory<string>(clock, 1_000, 2) };
};

test('a value is remembered for the time', () => {
  const { clock, memory } = open();
  memory.add('a', 'one');
  clock.at = 999;
  expect([memory.get('a'), memory.get('b')]).toEqual(['one', undefined]);
  clock.at = 1_000;
  expect(memory.get('a')).toBeUndefined();
});

test('the oldest value makes room for a new one', () => {
  const { memory } = open();
  for (const key of ['a', 'b', 'a', 'c']) memory.add(key, key);
  expect(['a', 'b', 'c'].map((key) => memory.get(key))).toEqual(['a', undefined, 'c']);
});

test('a value is forgotten once', () => {
  const { clock, memory } = open();
  memory.add('a', 'one');
  expect([memory.forget('a'), memory.forget('a'), memory.get('a')]).toEqual([true, false, undefined]);
  memory.add('a', 'one');
  clock.at = 1_000;
  expect(memory.forget('a')).toBe(false);
});
