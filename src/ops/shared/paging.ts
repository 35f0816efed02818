import * as z from 'zod';
import type { EpochMs } from '../../shared/time.js';
import { RequestError } from './request.js';

/** Where a page ended: the sort key (a time), and a second key for items with the same time. */
export type Cursor = [at: string, key: string];

/** The query parameters of every list. */
export const pageQuery = {
  order: z.enum(['newest', 'oldest']).default('newest'),
  limit: z.coerce.number().int().min(1).max(1_000).default(50).describe('items on a page'),
  cursor: z.string().max(500).optional().describe('"next" of the previous page'),
};

const schema = z.tuple([z.string(), z.string()]);

function writeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** Reads the text of a cursor. @throws RequestError `ops.bad-cursor` */
export function readCursor(text: string): Cursor {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch {
    throw new RequestError(
      'ops.bad-cursor',
      'The cursor is invalid: pass "next" of the previous page, unchanged.',
    );
  }
}

/**
 * One page of a list. Items added or removed between two requests do not shift the later pages.
 *
 * @param cursorOf the sort key of an item
 * @param from where the previous page ended; null for the first page
 */
export function pageOf<T>(list: readonly T[], options: PageOptions<T>): { items: T[]; next: string | null } {
  const page = pageCollector(options);
  for (const item of list) page.add(item);
  return page.end();
}

/** See `pageOf`. */
export interface PageOptions<T> {
  cursorOf: (item: T) => Cursor;
  /** The time in the cursor as a number, if given: most items of a long list then need no cursor. */
  timeOf?: (item: T) => EpochMs;
  order: 'newest' | 'oldest';
  limit: number;
  from: Cursor | null;
}

/** Collects one page of a long list. Only a few pages are in memory at a time. */
export function pageCollector<T>({ cursorOf, timeOf, order, limit, from }: PageOptions<T>) {
  const sign = order === 'newest' ? -1 : 1;
  let kept: { item: T; cursor: Cursor }[] = [];
  /** The time of the last kept item, once more items than a page were found. */
  let lastTime: EpochMs | null = null;
  /** One item after the page shows that there is a next page. */
  const shorten = () => {
    kept = kept.sort((a, b) => sign * compare(a.cursor, b.cursor)).slice(0, limit + 1);
    const last = kept[limit];
    if (last && timeOf) lastTime = timeOf(last.item);
  };
  return {
    add(item: T): void {
      if (timeOf && lastTime !== null && sign * (timeOf(item) - lastTime) > 0) return;
      const cursor = cursorOf(item);
      if (from !== null && sign * compare(cursor, from) <= 0) return;
      if (kept.push({ item, cursor }) > 4 * limit + firstKept) shorten();
    },
    end(): { items: T[]; next: string | null } {
      shorten();
      const page = kept.slice(0, limit);
      const last = kept.length > limit ? page.at(-1) : undefined;
      return { items: page.map(({ item }) => item), next: last ? writeCursor(last.cursor) : null };
    },
  };
}

const firstKept = 1_000;

function compare([at, key]: Cursor, [otherAt, otherKey]: Cursor): number {
  if (at !== otherAt) return at < otherAt ? -1 : 1;
  return key === otherKey ? 0 : key < otherKey ? -1 : 1;
}
