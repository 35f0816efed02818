import type { JoinedDevice } from './mergeJoin.js';
import { mayHoldCredentials, type SweepItem, type SweepRules } from './sweepRules.js';

/** A fleet with too many apparently deleted devices. The sweep leaves all of these devices alone. */
export interface GuardedFleet {
  fleet: string;
  /** Number of records without a device in balena's list. */
  gone: number;
  /** Number of all records of the fleet with a hub identity or credentials, including `gone`. */
  records: number;
}

/** Usually a smaller part of a fleet is deleted between two sweeps. If the part is larger, an operator must confirm the deletions. */
const tolerablePart = 0.1;
/** This number of deleted devices is always plausible, even in a small fleet. */
const tolerableCount = 20;

/**
 * Keeps the items of apparently deleted devices until the end of a sweep. Only at the end is the deleted part of each fleet known. If the
 * part is too large, the guard treats balena's list as wrong. An aborted sweep decides by the devices seen so far. UUIDs are random, so the
 * seen devices are a fair sample.
 */
export function massDeletionGuard({ fleets }: Pick<SweepRules, 'fleets'>) {
  const counts = new Map<string, GuardedFleet>();
  const kept: SweepItem[] = [];
  return {
    /**
     * Counts a device, and keeps the item of an apparently deleted device.
     *
     * @returns the item; null if the guard keeps the item
     */
    keepIfGone({ record }: JoinedDevice, item: SweepItem | null): SweepItem | null {
      if (!record || record.fleet === null || !mayHoldCredentials(record, { fleets })) return item;
      const { fleet } = record;
      const count = counts.get(fleet) ?? { fleet, gone: 0, records: 0 };
      counts.set(fleet, count);
      count.records += 1;
      if (item?.act !== 'check' || item.why !== 'gone') return item;
      count.gone += 1;
      kept.push(item);
      return null;
    },
    /**
     * Releases the kept items at the end of a sweep.
     *
     * @param allowGone true if the operator has confirmed the deletions: all items are released
     * @returns the released items, and the fleets whose items are not released
     */
    release(allowGone = false): { items: SweepItem[]; guarded: GuardedFleet[] } {
      const guarded = allowGone ? [] : [...counts.values()].filter(isImplausible);
      const slugs = new Set<string | null>(guarded.map(({ fleet }) => fleet));
      return { items: kept.filter(({ fleet }) => !slugs.has(fleet)), guarded };
    },
  };
}

function isImplausible({ gone, records }: GuardedFleet): boolean {
  return gone > tolerableCount && gone > records * tolerablePart;
}

/** A sentence for operators about a guarded fleet, with the next step. */
export function describeGuarded({ fleet, gone, records }: GuardedFleet): string {
  return (
    `${gone} of ${records} devices of ${fleet} are missing in balena. The sweep left these devices alone. Has the API key lost rights? ` +
    `If the devices were deleted on purpose: provisioner sweep --fleet ${fleet} --allow-gone`
  );
}
