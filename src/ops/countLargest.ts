import { countBy } from './countBy.js';

const mostKeys = 100;
/** Together with all else that a row of an action has, well below the 32,768 that a text in a row may have. */
const mostCharacters = 8_000;

/** As `countBy`, for what is kept: of many, the 100 most frequent at most (fewer of long names), and the rest as "others". */
export function countLargest<T>(items: Iterable<T>, keyOf: (item: T) => string): Record<string, number> {
  const kept: [string, number][] = [];
  let others = 0;
  let characters = 0;
  for (const [key, count] of Object.entries(countBy(items, keyOf))) {
    characters += JSON.stringify(key).length + 10;
    if (kept.length < mostKeys && characters <= mostCharacters) kept.push([key, count]);
    else others += count;
  }
  return Object.fromEntries(others === 0 ? kept : [...kept, ['others', others]]);
}
