import { stripVTControlCharacters } from 'node:util';
import { type Column, table } from '../../../cli/output/table.js';
import { listCounts, placeText, plural, wrap } from '../../../cli/output/text.js';
import { ago, due, span, utc } from '../../../cli/output/time.js';

const now = Date.parse('2026-11-25T04:00:00Z');
const at = (ms: number) => new Date(now + ms).toISOString();

test.each([
  [0, '0 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 d'],
])('the duration of %d ms is shown as %s', (ms, words) => {
  expect(span(ms)).toBe(words);
});

test('times are shown relative to now, or in UTC', () => {
  expect(ago(at(-45_000), now)).toBe('45 s ago');
  expect(ago(at(45_000), now)).toBe('in 45 s');
  expect(due(at(-5_000), now)).toBe('now');
  expect(due(at(300_000), now)).toBe('in 5 min');
  expect(utc('2026-11-25T04:40:30.123Z')).toBe('2026-11-25 04:40:30 UTC');
});

test.each([
  [{ service: 'main', key: 'issued' }, 'main'],
  [{ service: '', key: 'issued' }, '(device)'],
  [{ service: null, key: 'device' }, '(own key)'],
  [{ service: null, key: null }, ''],
])('the credentials of %j are at "%s"', (line, text) => {
  expect(placeText(line)).toBe(text);
});

test('counts are listed with their names, and small counts are added up', () => {
  expect(plural(1, 'device')).toBe('1 device');
  expect(plural(0, 'device')).toBe('0 devices');
  expect(listCounts({ a: 3, b: 2, c: 1 }, 2)).toBe('3 a, 2 b, 1 others');
  expect(listCounts({})).toBe('');
});

test('text is wrapped between words, and a long word is not broken', () => {
  expect(wrap('one two three', 7)).toBe('one two\nthree');
  expect(wrap('a 0123456789abcdef b', 10)).toBe('a\n0123456789abcdef\nb');
  expect(wrap('as it is', Number.POSITIVE_INFINITY)).toBe('as it is');
});

describe('a table', () => {
  interface Row {
    name: string;
    count: number;
    note: string;
    more: string;
  }
  const columns: Column<Row>[] = [
    { title: 'NAME', of: ({ name }) => name, style: () => 'red' },
    { title: 'COUNT', of: ({ count }) => String(count), right: true },
    { title: 'NOTE', of: ({ note }) => note },
    { title: 'MORE', of: ({ more }) => more, spare: true },
  ];
  const rows = [
    { name: 'first', count: 7, note: 'a note that is rather long', more: 'and more' },
    { name: 'second one', count: 1_234, note: 'short', more: '' },
  ];
  const lines = (width: number) => stripVTControlCharacters(table(rows, columns, width)).split('\n');

  it('shows all columns if the lines fit', () => {
    expect(lines(Number.POSITIVE_INFINITY)).toEqual([
      'NAME        COUNT  NOTE                        MORE',
      'first           7  a note that is rather long  and more',
      'second one   1234  short',
    ]);
  });

  it('leaves out spare columns, then truncates the last column', () => {
    expect(lines(46)).toEqual([
      'NAME        COUNT  NOTE',
      'first           7  a note that is rather long',
      'second one   1234  short',
      'Too narrow for: MORE. Widen the terminal, or',
      'use --json.',
    ]);
    expect(lines(35)[1]).toBe('first           7  a note that is …');
    for (const width of [34, 40, 50, 60])
      expect(Math.max(...lines(width).map((line) => line.length))).toBeLessThanOrEqual(width);
  });

  it('shows the titles without any row', () => {
    expect(stripVTControlCharacters(table([], columns, 80))).toBe('NAME  COUNT  NOTE  MORE');
  });
});
