import type { LetterFilter } from '../Filter.js';
import type { Letter } from '../Letter.js';
import { parseWhen } from '../parseWhen.js';

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
