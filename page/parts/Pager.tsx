import { useEffect, useState } from 'preact/hooks';
import { number } from '../format.js';
import { isNarrow } from './isNarrow.js';

/** The position in a paged list. */
export interface Paging {
  /** The number of the page, from 0. */
  page: number;
  /** The number of lines on a page. */
  size: number;
  /** The cursor of the page; undefined for the first page. */
  cursor: string | undefined;
  forward(next: string): void;
  back(): void;
}

/**
 * Keeps the position in a paged list.
 *
 * @param list a text that identifies the list, such as the filters; a new text starts at the first page
 * @param size the number of lines on a page; default: 25, and 10 on a narrow screen, where a line is higher
 */
export function usePaging(list: string, size = isNarrow() ? 10 : 25): Paging {
  const [cursors, setCursors] = useState<string[]>([]);
  useEffect(() => setCursors([]), [list]);
  return {
    page: cursors.length,
    size,
    cursor: cursors.at(-1),
    forward: (next) => setCursors((before) => [...before, next]),
    back: () => setCursors((before) => before.slice(0, -1)),
  };
}

interface Props {
  paging: Paging;
  next: string | null;
  /** The number of lines on the current page. */
  shown: number;
  total: number;
}

/** The buttons for the previous and the next page. The server cuts the list: the browser holds one page only. */
export function Pager({ paging, next, shown, total }: Props) {
  const first = paging.page * paging.size + 1;
  return (
    <nav class="pager" aria-label="Pages">
      <span>
        {shown === 0 ? 'none' : `${number(first)}–${number(first + shown - 1)}`} of {number(total)}
      </span>
      <button type="button" class="outline" disabled={paging.page === 0} onClick={paging.back}>
        Previous
      </button>
      <button type="button" class="outline" disabled={!next} onClick={() => next && paging.forward(next)}>
        Next
      </button>
    </nav>
  );
}
