import { styleText } from 'node:util';

import { wrap } from './text.js';

type Style = Parameters<typeof styleText>[0];

/** A column of a table of `T`. */
export interface Column<T> {
  title: string;
  /** The text of a row's cell. */
  of(row: T): string;
  style?(row: T): Style | undefined;
  /** Align the cells to the right. */
  right?: boolean;
  /** The column is left out if a line would be too long. The last spare column goes first. */
  spare?: boolean;
}

interface SizedColumn<T> {
  column: Column<T>;
  texts: string[];
  size: number;
}

const gap = '  ';
/** The smallest useful width of a truncated last column. */
const minLastSize = 12;

/**
 * Formats rows as a table with a line of titles. If a line is longer than `width`, spare columns are left out and named below the table, then
 * the last column is truncated.
 */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], width: number): string {
  const sized = fitColumns(
    columns.map((column) => {
      const texts = rows.map((row) => column.of(row));
      return { column, texts, size: Math.max(column.title.length, ...texts.map((text) => text.length)) };
    }),
    width,
  );
  const head = line(sized.map(({ column, size }) => cell(column.title, size, column.right)));
  const body = rows.map((row, rowIndex) =>
    line(
      sized.map(({ column, texts, size }, columnIndex) => {
        const text = cell(texts[rowIndex] ?? '', size, column.right);
        const shown = columnIndex === sized.length - 1 ? text.trimEnd() : text;
        const style = column.style?.(row);
        return style === undefined ? shown : styleText(style, shown);
      }),
    ),
  );
  const missing = columns.filter((column) => !sized.some((each) => each.column === column));
  return [styleText('dim', head), ...body, ...noteOf(missing, width)].join('\n');
}

/** The line about the columns that were left out. */
function noteOf(missing: readonly { title: string }[], width: number): string[] {
  if (missing.length === 0) return [];
  const names = missing.map(({ title }) => title).join(', ');
  return [styleText('dim', wrap(`Too narrow for: ${names}. Widen the terminal, or use --json.`, width))];
}

/** Removes spare columns, and shortens the last column, until a line fits into `width`. */
function fitColumns<T>(all: readonly SizedColumn<T>[], width: number): SizedColumn<T>[] {
  const sized = [...all];
  for (;;) {
    const last = sized.at(-1);
    const overflow = sized.reduce((total, { size }) => total + size + gap.length, -gap.length) - width;
    if (!last || overflow <= 0) return sized;
    const least = Math.min(last.size, Math.max(minLastSize, last.column.title.length));
    const spare = sized.findLastIndex(({ column }) => column.spare);
    if (last.size - overflow >= least || spare < 0) {
      sized[sized.length - 1] = { ...last, size: Math.max(least, last.size - overflow) };
      return sized;
    }
    sized.splice(spare, 1);
  }
}

function cell(text: string, size: number, right = false): string {
  if (right) return text.padStart(size);
  return (text.length > size ? `${text.slice(0, size - 1)}…` : text).padEnd(size);
}

function line(cells: string[]): string {
  return cells.join(gap).trimEnd();
}
