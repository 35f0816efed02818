import { useEffect, useState } from 'preact/hooks';
import { number } from '../format.js';

export interface Paging {
  /** From 0. */
  page: number;
  size: number;
  /** Of this page; undefined: the first. */
  cursor: string | undefined;
  forward(next: string): void;
  back(): void;
}

/** @param of what is listed: with another one, it begins at the first page */
export function usePaging(of: string, size = 25): Paging {
  const [cursors, setCursors] = useState<string[]>([]);
  // Another list is another beginning.
  useEffect(() => setCursors([]), [of]);
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
  /** Lines on this page. */
  shown: number;
  total: number;
}

/** From page to page. The list is cut by the server: only one page is ever here. */
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
