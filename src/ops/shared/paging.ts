import * as z from 'zod';
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
export function pageOf<T>(
  list: readonly T[],
  {
    cursorOf,
    order,
    limit,
    from,
  }: { cursorOf: (item: T) => Cursor; order: 'newest' | 'oldest'; limit: number; from: Cursor | null },
): { items: T[]; next: string | null } {
  const sign = order === 'newest' ? -1 : 1;
  const sorted = list
    .map((item) => ({ item, cursor: cursorOf(item) }))
    .filter(({ cursor }) => from === null || sign * compare(cursor, from) > 0)
    .sort((a, b) => sign * compare(a.cursor, b.cursor));
  const page = sorted.slice(0, limit);
  const end = sorted.length > limit ? page.at(-1) : undefined;
  return { items: page.map(({ item }) => item), next: end ? writeCursor(end.cursor) : null };
}

function compare([at, key]: Cursor, [otherAt, otherKey]: Cursor): number {
  if (at !== otherAt) return at < otherAt ? -1 : 1;
  return key === otherKey ? 0 : key < otherKey ? -1 : 1;
}
