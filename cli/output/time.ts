import type { EpochMs } from '../../src/shared/time.js';

const units: [limit: number, size: number, unit: string][] = [
  [120_000, 1_000, 's'],
  [7_200_000, 60_000, 'min'],
  [172_800_000, 3_600_000, 'h'],
  [Number.POSITIVE_INFINITY, 86_400_000, 'd'],
];

/** A rounded duration: "45 s", "3 min", "5 h", "12 d". @param ms not negative */
export function span(ms: number): string {
  const [, size, unit] = units.find(([limit]) => ms < limit)!;
  return `${Math.round(ms / size)} ${unit}`;
}

/** The distance from now to a time: "3 min ago", "in 45 s". @param at ISO 8601 */
export function ago(at: string, now: EpochMs = Date.now()): string {
  const ms = now - Date.parse(at);
  return ms >= 0 ? `${span(ms)} ago` : `in ${span(-ms)}`;
}

/** The wait until a time: "in 45 s"; "now" for a past time. @param at ISO 8601 */
export function due(at: string, now: EpochMs = Date.now()): string {
  return Date.parse(at) - now < 1_000 ? 'now' : ago(at, now);
}

/** "2026-11-25 04:40:30 UTC". @param at ISO 8601 */
export function utc(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
}
