import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { billOf, looksWithin, requestsWithin } from '../../../bench/cost/bill.js';
import { countBoot } from '../../../bench/cost/countBoot.js';
import { costTables, withTables } from '../../../bench/cost/tables.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';

const text = await readFile(join(projectFolder(), 'docs/cost.md'), 'utf8');
const dollars = (cell: string) => [...cell.matchAll(/\$([\d.]+)/g)].map(([, amount]) => Number(amount));

test('docs/cost.md has the counts of the code: npm run bench:cost -- --update writes them', async () => {
  expect(withTables(text, await costTables())).toBe(text);
});

test('the sum of the month adds up', () => {
  const [, month = ''] = /## Each month[^\n]*\n(.*?)\n## /s.exec(text) ?? [];
  const last = month
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').at(-2)?.trim() ?? '');
  const sum = last.find((cell) => cell.startsWith('**')) ?? '';
  const parts = last.filter((cell) => cell !== sum).flatMap(dollars);
  expect(parts.length).toBeGreaterThan(4);
  expect(Math.round(parts.reduce((all, part) => all + part, 0))).toBe(dollars(sum)[0]);
});

test('the requests of one device are those of Cloud Relay', () => {
  // Requests at 0, 0.1, 0.3, 0.7, 1.5, 3.1 s and so on, and at last one each minute.
  expect([50, 150, 350, 750, 1_600].map(requestsWithin)).toEqual([1, 2, 3, 4, 5]);
  expect(requestsWithin(600_000) - requestsWithin(480_000)).toBe(2);
});

test('work in the line looks again after 150 s at least, and less often where many look', () => {
  const looks = (perMinute: number) =>
    [150_000, 151_000, 600_000, 6_000_000].map((waitMs) => looksWithin(waitMs, perMinute));
  const [none, one = 0, three = 0] = looks(100);
  expect([none, Math.round(one), Math.round(three)]).toEqual([0, 1, 3]);
  expect(looks(1_000).at(-1)).toBeLessThan(looks(100).at(-1) ?? 0);
});

test('a bill computed from a small boot is that of a larger boot', async () => {
  const hub = { tier: 'S1', units: 1 } as const;
  // In a smaller boot, fewer devices wait in the queue for their look-ups.
  const [small, large] = [await countBoot(400, hub), await countBoot(800, hub)];
  const { requests, messages, tableOperations } = billOf(800, hub, small);
  expect(Math.abs(requests / large.requests - 1)).toBeLessThan(0.05);
  expect(Math.abs(messages / large.messages - 1)).toBeLessThan(0.1);
  expect(Math.abs(tableOperations / 800 / (large.records + large.lists + large.shared) - 1)).toBeLessThan(
    0.05,
  );
});
