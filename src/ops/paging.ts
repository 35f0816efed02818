import { z } from 'zod';
import { RequestError } from './requestError.js';

/** Where a page ended: the time it is sorted by, and what tells two of the same time apart. */
export type Cursor = [at: string, key: string];

/** What every list takes. */
export const pageQuery = {
  order: z.enum(['newest', 'oldest']).default('newest'),
  limit: z.coerce.number().int().min(1).max(1_000).default(50).describe('lines on a page'),
  cursor: z.string().max(500).optional().describe('"next" of the page before'),
};

const schema = z.tuple([z.string(), z.string()]);

export function writeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** @throws Refused */
export function readCursor(text: string): Cursor {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch {
    throw new RequestError(
      'ops.bad-cursor',
      'The cursor is not one of ours: pass "next" of the page before, unchanged.',
    );
  }
}

/**
 * One page of a list. What comes or goes meanwhile does not move the pages that follow.
 *
 * @param cursorOf by which the list is sorted
 * @param from where the page before ended
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
