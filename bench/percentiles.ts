/** The given parts (0.5 is the median) of some measurements, rounded to a tenth. */
export function percentiles(values: number[], ...parts: number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return parts.map((part) => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
    return Math.round(value * 10) / 10;
  });
}
