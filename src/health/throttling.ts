import type { EpochMs } from '../shared/time.js';
import type { HealthFacts } from './facts.js';
import { measure, perMinute } from './measured.js';

/** Throttling that slows down the work now. */
export interface HubThrottling {
  /** Null for a hub that delays operations and refuses none. */
  since: EpochMs | null;
  /** The operations that the hub has let pass, a minute; null before they are measured. */
  passedPerMinute: number | null;
  /** The operations that the hub has refused, a minute. */
  refusedPerMinute: number;
  /** The mean duration of an operation, ms. */
  meanMs: number;
}

/** A refusal counts as present for this time. */
export const presentMs = 60_000;
/** Fewer refusals are usual at the limit: the hub and the rate limiter count their minutes differently. */
const leastRefusals = 3;
const leastShare = 0.1;
/** A healthy hub answers a registry operation in less than a second. Above, operations wait inside the hub. */
const slowMs = 3_000;
const leastOperations = 5;
/** A hub that lets nearly the allowed rate pass is not smaller than the settings say. */
const nearlyAll = 0.8;

/**
 * Whether the hub limits the registry operations: it refuses a tenth of them or more, has asked for a long wait, or lets them wait for
 * seconds and lets fewer pass than the settings allow.
 */
export function hubThrottling(facts: HealthFacts): HubThrottling | null {
  const { at: now, row, hubPausedUntil, operationsPerMinute } = facts;
  const measured = measure(row, now);
  const throttled = row?.throttled.hub;
  const { operations, hubRefusals, hubMs } = measured?.counts ?? { operations: 0, hubRefusals: 0, hubMs: 0 };
  const passed = operations - hubRefusals;
  const passedPerMinute = measured && perMinute(passed, measured);
  const found: HubThrottling = {
    since: throttled?.since ?? null,
    passedPerMinute,
    refusedPerMinute: measured ? perMinute(hubRefusals, measured) : 0,
    meanMs: operations === 0 ? 0 : hubMs / operations,
  };
  const isPaused = hubPausedUntil - now > presentMs;
  const isPresent = throttled !== undefined && (now - throttled.at <= presentMs || hubPausedUntil > now);
  const refuses = isPresent && hubRefusals >= leastRefusals && hubRefusals >= leastShare * operations;
  if (isPaused || refuses) return found;
  const delays = operations >= leastOperations && found.meanMs >= slowMs;
  const isSlower = passedPerMinute !== null && passedPerMinute < nearlyAll * operationsPerMinute;
  return delays && isSlower ? { ...found, since: null } : null;
}
