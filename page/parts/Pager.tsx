import { number } from '../format.js';
import type { Paging } from './usePaging.js';

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
