import type { ComponentChildren } from 'preact';

export interface Column<T> {
  head: string;
  cell(row: T): ComponentChildren;
  /** Of figures. */
  isNumber?: boolean;
}

interface Props<T> {
  /** What the table shows, for those who do not see it. */
  caption: string;
  columns: Column<T>[];
  rows: T[];
  keyOf(row: T): string;
}

/** On a narrow screen each row is a card. In some browsers that takes a table's meaning away, unless its roles are written out. */
const as = <R extends 'table' | 'rowgroup' | 'row' | 'columnheader' | 'rowheader' | 'cell'>(role: R) => ({
  role,
});

/** A table, whose first column names its rows. */
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
              const common = { 'data-head': head, class: isNumber ? 'number' : '' };
              return index === 0 ? (
                <th key={head} scope="row" {...as('rowheader')} {...common}>
                  {cell(row)}
                </th>
              ) : (
                <td key={head} {...as('cell')} {...common}>
                  {cell(row)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
