import { z } from 'zod';
import { countBy } from '../countBy.js';
import { pageOf, pageQuery, readCursor } from '../cursor.js';
import { letterFilter, parse } from '../Filter.js';
import type { Letter, LetterPage } from '../Letter.js';
import type { OpsTools } from '../OpsTools.js';
import { matchLetter } from './matchLetter.js';
import type { Entered } from './openLetterBook.js';

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
