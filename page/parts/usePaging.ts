import { useEffect, useState } from 'preact/hooks';

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
