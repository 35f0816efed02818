/** Counts items by key. The most frequent key is first. */
export function countBy<T, K extends string>(items: Iterable<T>, keyOf: (item: T) => K): Record<K, number> {
  const counts = new Map<K, number>();
  for (const item of items) {
    const key = keyOf(item);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a)) as Record<K, number>;
}

const maxKeys = 100;
/** A text in a row may have 32,768 characters. The counts share this text with the other fields of an action. */
const maxCharacters = 8_000;

/** As `countBy`, in a size for storage: the 100 most frequent keys (fewer if the keys are long), and the rest as "others". */
export function countLargest<T>(items: Iterable<T>, keyOf: (item: T) => string): Record<string, number> {
  const kept: [string, number][] = [];
  let others = 0;
  let characters = 0;
  for (const [key, count] of Object.entries(countBy(items, keyOf))) {
    characters += JSON.stringify(key).length + 10;
    if (kept.length < maxKeys && characters <= maxCharacters) kept.push([key, count]);
    else others += count;
  }
  return Object.fromEntries(others === 0 ? kept : [...kept, ['others', others]]);
}

/**
 * The nearest-rank percentile.
 *
 * @param sorted ascending
 * @param part from 0 to 1
 * @returns null if the list is empty
 */
export function percentile(sorted: readonly number[], part: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? null;
}
