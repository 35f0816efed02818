import { csvCell, csvText } from '../../../page/export/csv.js';

test.each([
  ['=HYPERLINK("https://evil.example")', `"'=HYPERLINK(""https://evil.example"")"`],
  ['+1', "'+1"],
  ['-1+cmd|calc', "'-1+cmd|calc"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['  =1+1', "'  =1+1"],
  ['\t=1+1', "'\\u{9}=1+1"],
  ['＝1+1', "'＝1+1"],
])('a spreadsheet does not run %j', (text, cell) => expect(csvCell(text)).toBe(cell));

test.each([
  ['my_org/one', 'my_org/one'],
  ['a,b', '"a,b"'],
  ['say "no"', '"say ""no"""'],
  ['a;b', '"a;b"'],
  ['two\nlines', 'two\\u{a}lines'],
  ['\u202Eabc', '\\u{202e}abc'],
  [null, ''],
  [-3, '-3'],
])('the cell of %j is %s', (value, cell) => expect(csvCell(value)).toBe(cell));

test('a file has a line of heads, and lines that end with CR and LF', () => {
  const columns = [
    { head: 'uuid', of: ({ uuid }: { uuid: string }) => uuid },
    { head: 'n', of: () => 1 },
  ];
  expect(csvText(columns, [{ uuid: 'a' }, { uuid: 'b' }])).toBe('uuid,n\r\na,1\r\nb,1\r\n');
});
