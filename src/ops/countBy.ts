/** How many there are of each, the most frequent first. */
export function countBy<T, K extends string>(items: Iterable<T>, keyOf: (item: T) => K): Record<K, number> {
  const counts = new Map<K, number>();
  for (const item of items) {
    const key = keyOf(item);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a)) as Record<K, number>;
}
