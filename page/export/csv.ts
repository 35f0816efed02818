import { oneLine } from '../../src/shared/printable.js';

/** A column of a CSV file. */
export interface CsvColumn<T> {
  head: string;
  of(row: T): string | number | null;
}

/** A spreadsheet runs a cell that begins with one of these characters as a formula. Spaces before the character change nothing. */
const formula = /^\s*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/;

/**
 * One cell of a CSV file (RFC 4180). Control characters are shown as `\u{…}`, and a text that a spreadsheet would run as a formula begins
 * with an apostrophe.
 */
export function csvCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const harmless = formula.test(value) ? `'${value}` : value;
  const text = oneLine(harmless);
  return /[",;]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A CSV file with a line of heads. Lines end with CR and LF. */
export function csvText<T>(columns: readonly CsvColumn<T>[], rows: readonly T[]): string {
  const lines = [
    columns.map(({ head }) => csvCell(head)),
    ...rows.map((row) => columns.map(({ of }) => csvCell(of(row)))),
  ];
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('');
}
