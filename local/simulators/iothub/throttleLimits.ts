import type { Limits } from './createThrottle.js';

export const tiers = ['F1', 'S1', 'S2', 'S3'] as const;
export type Tier = (typeof tiers)[number];

/** A hub's size, as it is bought. */
export interface Size {
  tier: Tier;
  /** Of the tier; a free hub has only one. */
  units: number;
}

/** Per unit and minute (Microsoft: "IoT Hub quotas and throttling"). */
const perUnit: Record<Tier, { registry: number; queries: number; devices: number }> = {
  F1: { registry: 100, queries: 20, devices: 500 },
  S1: { registry: 100, queries: 20, devices: 1_000_000 },
  S2: { registry: 100, queries: 20, devices: 1_000_000 },
  S3: { registry: 5000, queries: 1000, devices: 1_000_000 },
};

/** Registry operations: create, get, list, update and delete count together. */
export const registryLimits = ({ tier, units }: Size): Limits => limits(perUnit[tier].registry * units);

/** Queries have a throttle of their own. */
export const queryLimits = ({ tier, units }: Size): Limits => limits(perUnit[tier].queries * units);

/** A free hub holds 500 devices, any other a million, however many units it has. */
export const maxDevices = ({ tier }: Size): number => perUnit[tier].devices;

/**
 * From a rate to all limits. Microsoft describes a minute's worth or more that passes at once, then a queue that is worked off at
 * the rate, then 429, without numbers for the queue. The 40 s and the 10 s are from a public log of a call that was refused.
 */
export function limits(perMinute: number): Limits {
  return { perMinute, burst: perMinute, backlog: perMinute, holdMs: 40_000, waitSeconds: 10 };
}

export const unlimited: Limits = { ...limits(Number.MAX_SAFE_INTEGER), unthrottled: true };
