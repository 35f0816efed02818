import { z } from 'zod';
import { countBy } from '../counting.js';
import type { OpsDependencies } from '../dependencies.js';
import { type DeadLetterFilter, deadLetterFilter, parse, parseWhen } from '../filter.js';
import { pageOf, pageQuery, readCursor } from '../paging.js';
import type { DeadLetter, DeadLetterPage } from './schema.js';
import type { DeadLetterEntry } from './snapshot.js';

export const deadLetterQuery = z.strictObject({ ...deadLetterFilter.shape, ...pageQuery });

export type DeadLetterQuery = z.input<typeof deadLetterQuery>;

const freshMs = 2_000;

/**
 * A page of what failed for good, as it was some seconds ago at most (longer where reading it takes long, see `LetterBook`).
 * Discarded ones are listed only where the filter asks for them.
 *
 * @throws Refused; ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function listDeadLetters(
  deps: OpsDependencies,
  query: DeadLetterQuery,
): Promise<DeadLetterPage> {
  const { order, limit, cursor, ...filter } = parse(deadLetterQuery, query, 'filter');
  const matches = matchDeadLetter(filter, deps.clock.now());
  const from = cursor === undefined ? null : readCursor(cursor);
  const { deadLetters, incomplete, asOf } = await deps.deadLetterBook.read(freshMs);
  const found = deadLetters.filter(
    (deadLetter) =>
      matches(deadLetter) && (deadLetter.status !== 'discarded' || filter.status === 'discarded'),
  );
  const cursorOf = (deadLetter: DeadLetter) =>
    [deadLetter.failedAt, `${deadLetter.uuid}.${deadLetter.sequenceNumber}`] satisfies [string, string];
  const { items, next } = pageOf(found, { cursorOf, order, limit, from });
  return {
    deadLetters: items.map(shown),
    total: found.length,
    byCode: countBy(found, ({ code }) => code),
    byFleet: countBy(found, ({ fleet }) => fleet ?? 'unknown'),
    byStatus: countBy(found, ({ status }) => status),
    next,
    incomplete,
    asOf: new Date(asOf).toISOString(),
  };
}

function shown({ generation, ...deadLetter }: DeadLetterEntry): DeadLetter {
  return deadLetter;
}

/**
 * Whether a letter fits a filter.
 *
 * @param now Unix ms, for spans
 * @throws Refused if the filter names a moment that cannot be read
 */
export function matchDeadLetter(filter: DeadLetterFilter, now: number): (deadLetter: DeadLetter) => boolean {
  const { since, until, ...exact } = filter;
  const from = since === undefined ? null : new Date(parseWhen('since', since, now)).toISOString();
  const to = until === undefined ? null : new Date(parseWhen('until', until, now)).toISOString();
  const conditions = Object.entries(exact).filter(([, value]) => value !== undefined);
  return (deadLetter) =>
    conditions.every(([name, value]) => deadLetter[name as keyof typeof exact] === value) &&
    (from === null || deadLetter.failedAt >= from) &&
    (to === null || deadLetter.failedAt < to);
}
