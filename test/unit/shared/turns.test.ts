import { openTurns } from '../../../src/shared/turns.js';

const tooMany = () => new Error('too many');

test('functions with the same key run one after the other, also after a failure, and others do not wait', async () => {
  const { run } = openTurns(10, tooMany);
  const log: string[] = [];
  const slow = (name: string) => async () => {
    log.push(`${name} begins`);
    for (let turns = 0; turns < 5; turns += 1) await Promise.resolve();
    log.push(`${name} ends`);
    if (name === 'first') throw new Error('failed');
    return name;
  };
  const first = run('a', slow('first')).catch((error: Error) => error.message);
  const second = run('a', slow('second'));
  await run('b', async () => log.push('other'));
  expect([await first, await second]).toEqual(['failed', 'second']);
  expect(log.filter((line) => line !== 'other')).toEqual([
    'first begins',
    'first ends',
    'second begins',
    'second ends',
  ]);
  expect(log.indexOf('other')).toBeLessThan(log.indexOf('second begins'));
});

test('a further function is refused, until an earlier one has ended', async () => {
  const { run } = openTurns(2, tooMany);
  const both = [run('a', async () => 1), run('a', async () => 2)];
  await expect(run('a', async () => 3)).rejects.toThrow('too many');
  expect(await Promise.all(both)).toEqual([1, 2]);
  expect(await run('a', async () => 4)).toBe(4);
});
