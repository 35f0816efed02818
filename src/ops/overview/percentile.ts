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
