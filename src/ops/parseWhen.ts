import { Refused } from './Refused.js';

const spans: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A moment as people write it: ISO 8601, or a span before now such as 30m, 2h, 7d.
 *
 * @param name of the filter, for the error
 * @param now Unix ms
 * @returns Unix ms
 * @throws Refused
 */
export function parseWhen(name: string, text: string, now: number): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  const at = count === undefined ? date : now - Number(count) * spans[unit]!;
  // A span can be so long that there is no date for it.
  if (Number.isFinite(new Date(at).getTime())) return at;
  throw new Refused(
    'ops.bad-filter',
    `"${name}" must be a date and time (2026-11-24T03:00:00Z), or a span before now (30m, 2h, 7d).`,
  );
}
