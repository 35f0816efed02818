/** How many there are of each, the most frequent first. */
export function countBy<T, K extends string>(items: Iterable<T>, keyOf: (item: T) => K): Record<K, number> {
  const counts = new Map<K, number>();
  for (const item of items) {
    const key = keyOf(item);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a)) as Record<K, number>;
}

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

/**
 * The nearest-rank percentile.
 *
 * @param sorted ascending
 * @param part from 0 to 1
 * @returns null if there is nothing
 */
export function percentile(sorted: readonly number[], part: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? null;
}
