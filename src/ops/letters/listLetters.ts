import { countBy } from '../countBy.js';
import { pageOf, readCursor } from '../cursor.js';
import { type LetterFilter, letterFilter, parseFilter } from '../Filter.js';
import type { Letter, LetterPage } from '../Letter.js';
import type { OpsTools } from '../OpsTools.js';
import { matchLetter } from './matchLetter.js';
import type { Entered } from './openLetterBook.js';

export interface LetterQuery extends LetterFilter {
  /** By when it failed; default: newest. */
  order?: 'newest' | 'oldest';
  /** Letters on a page, 1 to 1000; default: 50. */
  limit?: number;
  /** `next` of the page before. */
  cursor?: string;
}

const freshMs = 2_000;
const mostOnAPage = 1_000;

/**
 * A page of what failed for good, as it was some seconds ago at most (longer where reading it takes long, see `LetterBook`).
 * Discarded ones are listed only where the filter asks for them.
 *
 * @throws Refused; ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function listLetters(tools: OpsTools, query: LetterQuery): Promise<LetterPage> {
  const { order = 'newest', limit = 50, cursor, ...rest } = query;
  const filter = parseFilter(letterFilter, rest);
  const matches = matchLetter(filter, tools.clock.now());
  const from = cursor === undefined ? null : readCursor(cursor);
  const { letters, incomplete, asOf } = await tools.letterBook.read(freshMs);
  const found = letters.filter(
    (letter) => matches(letter) && (letter.status !== 'discarded' || filter.status === 'discarded'),
  );
  const cursorOf = (letter: Letter) =>
    [letter.failedAt, `${letter.uuid}.${letter.sequenceNumber}`] satisfies [string, string];
  const size = Math.min(Math.max(limit, 1), mostOnAPage);
  const { items, next } = pageOf(found, { cursorOf, order, limit: size, from });
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
