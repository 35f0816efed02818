import { stripVTControlCharacters, styleText } from 'node:util';
import fc from 'fast-check';
import { table } from '../../../cli/output/table.js';
import { jsonText, oneLine, printable, terminalText } from '../../../src/shared/printable.js';

/** A service name that clears the screen, and then forges a line of the log. */
const evil = 'main\u001b[2J\u001b[H\r\nworker: all devices provisioned\u202e\u009b31m\u2028';
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Texts of ordinary letters, control characters, and everything else. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      'a',
      '\u001b',
      '[',
      '2',
      'J',
      'm',
      ';',
      '\n',
      '\r',
      '\u009b',
      '\u202e',
      '\ud800',
      '"',
      '\\',
    ),
  }),
);

test('a name from outside stays on its line, and controls nothing', () => {
  expect(oneLine(evil)).toBe(
    'main\\u{1b}[2J\\u{1b}[H\\u{d}\\u{a}worker: all devices provisioned\\u{202e}\\u{9b}31m\\u{2028}',
  );
  expect(oneLine('my_org/fleet é 設備 👍 "x" \\')).toBe('my_org/fleet é 設備 👍 "x" \\');
});

test('every text in a value becomes safe, and everything else stays', () => {
  const value = { a: evil, [evil]: [evil, 1, null, { b: evil }], c: true, d: undefined };
  const safe = printable(value);
  expect(safe).toEqual({
    a: oneLine(evil),
    [oneLine(evil)]: [oneLine(evil), 1, null, { b: oneLine(evil) }],
    c: true,
    d: undefined,
  });
});

test('a terminal gets our colours and line breaks, and no other control', () => {
  const styled = styleText('red', 'one', { validateStream: false });
  expect(terminalText(`${styled}\ntwo`)).toBe(`${styled}\ntwo`);
  expect(terminalText('\u001b[2J\u001b]0;title\u0007\r')).toBe('\\u{1b}[2J\\u{1b}]0;title\\u{7}\\u{d}');
});

test('whatever a name is, a table of names has a line for each row, and only our colours', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), (names) => {
      const columns = [
        { title: 'SERVICE', of: ({ name }: { name: string }) => name, style: () => 'red' as const },
      ];
      const shown = terminalText(table(printable(names.map((name) => ({ name }))), columns, 80));
      expect(shown.split('\n')).toHaveLength(names.length + 1);
      expect(stripVTControlCharacters(shown).replaceAll('\n', '')).not.toMatch(unsafe);
    }),
  );
});

test('JSON says the same to a parser, and is safe in a terminal', () => {
  fc.assert(
    fc.property(fc.dictionary(text, text), (value) => {
      expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(JSON.stringify(value)));
      expect(jsonText(value)).not.toMatch(unsafe);
    }),
  );
});
