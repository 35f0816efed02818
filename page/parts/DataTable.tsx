import type { ComponentChildren } from 'preact';

/** What a cell without content shows. */
export const nothing = '–';

/** A column of a table of `T`. */
export interface Column<T> {
  head: string;
  cell(row: T): ComponentChildren;
  /** Whether the cells are numbers. Numbers are aligned to the right. */
  isNumber?: boolean;
}

interface Props<T> {
  /** The name of the table for screen readers. */
  caption: string;
  columns: Column<T>[];
  rows: T[];
  keyOf(row: T): string;
}

/**
 * Writes a table's role out. On a narrow screen the style shows each row as a card, and some browsers then no longer treat
 * the elements as a table.
 */
const as = <R extends 'table' | 'rowgroup' | 'row' | 'columnheader' | 'rowheader' | 'cell'>(role: R) => ({
  role,
});

/** A table. The first column holds the row headers. */
export function DataTable<T>({ caption, columns, rows, keyOf }: Props<T>) {
  return (
    <table class="data" {...as('table')}>
      <caption class="hidden">{caption}</caption>
      <thead {...as('rowgroup')}>
        <tr {...as('row')}>
          {columns.map(({ head, isNumber }) => (
            <th key={head} scope="col" {...as('columnheader')} class={isNumber ? 'number' : ''}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody {...as('rowgroup')}>
        {rows.map((row) => (
          <tr key={keyOf(row)} {...as('row')}>
            {columns.map(({ head, cell, isNumber }, index) => {
              const content = cell(row);
              // On a narrow screen a cell without content is left out.
              const kind = content === nothing ? 'nothing' : '';
              const common = { 'data-head': head, class: `${isNumber ? 'number' : ''} ${kind}`.trim() };
              return index === 0 ? (
                <th key={head} scope="row" {...as('rowheader')} {...common}>
                  {content}
                </th>
              ) : (
                <td key={head} {...as('cell')} {...common}>
                  {content}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
