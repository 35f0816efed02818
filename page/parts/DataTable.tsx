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

/**
 * A table, whose first column names its rows. On a narrow screen each row is a card; since that takes the table's meaning away
 * in some browsers, the roles are written out.
 */
export function DataTable<T>({ caption, columns, rows, keyOf }: Props<T>) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <table class="data" role="table">
      <caption class="hidden">{caption}</caption>
      {/* biome-ignore lint/a11y/noRedundantRoles: see above */}
      <thead role="rowgroup">
        {/* biome-ignore lint/a11y/noRedundantRoles: see above */}
        <tr role="row">
          {columns.map(({ head, isNumber }) => (
            <th key={head} scope="col" role="columnheader" class={isNumber ? 'number' : ''}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      {/* biome-ignore lint/a11y/noRedundantRoles: see above */}
      <tbody role="rowgroup">
        {rows.map((row) => (
          // biome-ignore lint/a11y/noRedundantRoles: see above
          <tr key={keyOf(row)} role="row">
            {columns.map(({ head, cell, isNumber }, index) => {
              const of = { 'data-head': head, class: isNumber ? 'number' : '' };
              return index === 0 ? (
                <th key={head} scope="row" role="rowheader" {...of}>
                  {cell(row)}
                </th>
              ) : (
                <td key={head} role="cell" {...of}>
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
