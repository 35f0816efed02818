/** The tiers with documented limits. A basic tier allows as many registry operations as the standard tier of the same number. */
const limits = {
  F1: { operations: 100, queries: 20 },
  B1: { operations: 100, queries: 20 },
  B2: { operations: 100, queries: 20 },
  B3: { operations: 5_000, queries: 1_000 },
  S1: { operations: 100, queries: 20 },
  S2: { operations: 100, queries: 20 },
  S3: { operations: 5_000, queries: 1_000 },
};

/** A tier of an IoT Hub with documented limits. */
export type Tier = keyof typeof limits;

/** The limits of a hub. */
export interface HubQuota {
  /** The hub's limit of registry operations a minute (create, get, list, update and delete together). */
  operationsPerMinute: number;
  /** The hub's limit of queries a minute (over devices, modules and jobs together). */
  queriesPerMinute: number;
  /** A sentence for the operator if the limits are a guess: the tier is unknown, and no setting has the limit. Otherwise null. */
  guessedQuota: string | null;
}

/**
 * The limits of a hub. Documentation: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling
 *
 * @param tier such as `S1`. An unknown tier gets the limits of one unit of S1, the lowest ones.
 * @param given the registry operations a minute that an operator has set; null if the tier decides
 */
export function quotaOf(tier: string, units: number, given: number | null): HubQuota {
  const known = Object.hasOwn(limits, tier);
  const { operations, queries } = limits[known ? (tier as Tier) : 'S1'];
  const count = known ? units : 1;
  return {
    operationsPerMinute: given ?? operations * count,
    queriesPerMinute: queries * count,
    guessedQuota:
      known || given !== null
        ? null
        : `The hub's tier ${tier} has no known rate, so the rate limiter allows ${operations} registry operations a minute. Set IOTHUB_OPERATIONS_PER_MINUTE to the rate of the hub.`,
  };
}

/** The documented limit of registry operations a minute. */
export function operationsPerMinute(tier: Tier, units: number): number {
  return limits[tier].operations * units;
}
