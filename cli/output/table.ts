import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export interface Column<T> {
  title: string;
  of(row: T): string;
  style?(row: T): Style | undefined;
  right?: boolean;
  /** Left out where there is no room, the last first. */
  spare?: boolean;
}

const gap = '  ';
/** Of the last column, less than this is not worth showing. */
const leastLast = 12;

/**
 * Rows under titles. Where the lines are too long, spare columns are left out, and the last one that stays is cut.
 *
 * @param width of a line
 */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], width: number): string {
  const sized = columns.map((column) => {
    const texts = rows.map((row) => column.of(row));
    return { column, texts, size: Math.max(column.title.length, ...texts.map((text) => text.length)) };
  });
  const sum = () => sized.reduce((total, { size }) => total + size + gap.length, -gap.length);
  const overflow = () => sum() - width;
  for (;;) {
    const last = sized.at(-1);
    if (!last || overflow() <= 0) break;
    const least = Math.min(last.size, Math.max(leastLast, last.column.title.length));
    if (last.size - overflow() >= least || !sized.some(({ column }) => column.spare)) {
      last.size = Math.max(least, last.size - overflow());
      break;
    }
    sized.splice(
      sized.findLastIndex(({ column }) => column.spare),
      1,
    );
  }
  const cell = (text: string, size: number, right = false) =>
    right ? text.padStart(size) : (text.length > size ? `${text.slice(0, size - 1)}…` : text).padEnd(size);
  const line = (cells: string[]) => cells.join(gap).trimEnd();
  const head = line(sized.map(({ column, size }) => cell(column.title, size, column.right)));
  const body = rows.map((row, at) =>
    line(
      sized.map(({ column, texts, size }, place) => {
        const text = cell(texts[at] ?? '', size, column.right);
        const shown = place === sized.length - 1 ? text.trimEnd() : text;
        const style = column.style?.(row);
        return style === undefined ? shown : styleText(style, shown);
      }),
    ),
  );
  return [styleText('dim', head), ...body].join('\n');
}
