const steps: [limit: number, size: number, unit: string][] = [
  [120_000, 1_000, 's'],
  [7_200_000, 60_000, 'min'],
  [172_800_000, 3_600_000, 'h'],
  [Number.POSITIVE_INFINITY, 86_400_000, 'd'],
];

/** How long that is, roughly: "45 s", "3 min", "5 h", "12 d". @param ms not negative */
export function span(ms: number): string {
  const [, size, unit] = steps.find(([limit]) => ms < limit)!;
  return `${Math.round(ms / size)} ${unit}`;
}

/** How far away a moment is: "3 min ago", "in 45 s". @param at ISO 8601. @param now Unix ms */
export function ago(at: string, now = Date.now()): string {
  const ms = now - Date.parse(at);
  return ms >= 0 ? `${span(ms)} ago` : `in ${span(-ms)}`;
}

/** When something is to be expected: "in 45 s", "at once". @param at ISO 8601. @param now Unix ms */
export function due(at: string, now = Date.now()): string {
  return Date.parse(at) - now < 1_000 ? 'at once' : ago(at, now);
}

/** "2026-11-25 04:40:30 UTC". @param at ISO 8601 */
export function utc(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
}
