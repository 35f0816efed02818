import { z } from 'zod';
import { countBy } from '../counting.js';
import type { OpsTools } from '../dependencies.js';
import { type LetterFilter, letterFilter, parse, parseWhen } from '../filter.js';
import { pageOf, pageQuery, readCursor } from '../paging.js';
import type { Letter, LetterPage } from './schema.js';
import type { Entered } from './snapshot.js';

export const letterQuery = z.strictObject({ ...letterFilter.shape, ...pageQuery });

export type LetterQuery = z.input<typeof letterQuery>;

const freshMs = 2_000;

/**
 * A page of what failed for good, as it was some seconds ago at most (longer where reading it takes long, see `LetterBook`).
 * Discarded ones are listed only where the filter asks for them.
 *
 * @throws Refused; ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function listLetters(tools: OpsTools, query: LetterQuery): Promise<LetterPage> {
  const { order, limit, cursor, ...filter } = parse(letterQuery, query, 'filter');
  const matches = matchLetter(filter, tools.clock.now());
  const from = cursor === undefined ? null : readCursor(cursor);
  const { letters, incomplete, asOf } = await tools.letterBook.read(freshMs);
  const found = letters.filter(
    (letter) => matches(letter) && (letter.status !== 'discarded' || filter.status === 'discarded'),
  );
  const cursorOf = (letter: Letter) =>
    [letter.failedAt, `${letter.uuid}.${letter.sequenceNumber}`] satisfies [string, string];
  const { items, next } = pageOf(found, { cursorOf, order, limit, from });
  return {
    letters: items.map(shown),
    total: found.length,
    byCode: countBy(found, ({ code }) => code),
    byFleet: countBy(found, ({ fleet }) => fleet ?? 'unknown'),
    byStatus: countBy(found, ({ status }) => status),
    next,
    incomplete,
    asOf: new Date(asOf).toISOString(),
  };
}

function shown({ n, ...letter }: Entered): Letter {
  return letter;
}

/**
 * Whether a letter fits a filter.
 *
 * @param now Unix ms, for spans
 * @throws Refused if the filter names a moment that cannot be read
 */
export function matchLetter(filter: LetterFilter, now: number): (letter: Letter) => boolean {
  const { since, until, ...exact } = filter;
  const from = since === undefined ? null : new Date(parseWhen('since', since, now)).toISOString();
  const to = until === undefined ? null : new Date(parseWhen('until', until, now)).toISOString();
  const conditions = Object.entries(exact).filter(([, value]) => value !== undefined);
  return (letter) =>
    conditions.every(([name, value]) => letter[name as keyof typeof exact] === value) &&
    (from === null || letter.failedAt >= from) &&
    (to === null || letter.failedAt < to);
}
