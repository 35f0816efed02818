import type { JoinedDevice } from './mergeJoin.js';
import { mayHoldCredentials, type SweepItem, type SweepRules } from './sweepRules.js';

/** A fleet of which so many records look gone that none of them is believed to be. */
export interface GuardedFleet {
  fleet: string;
  /** Records whose device balena does not show. */
  gone: number;
  /** Records of the fleet that hold something, these among them. */
  records: number;
}

/** More of a fleet does not go by itself between two sweeps: so many are an accident, or somebody's decision. */
const tolerablePart = 0.1;
/** So few may go at once, however small the fleet is. */
const tolerableCount = 20;

/**
 * Keeps devices that look gone until the end of a sweep: only then is it known whether they are a few, or so many of a fleet that the
 * list is not to be believed. A sweep that is ended early judges by what it has looked at; uuids are random, so that is a fair part.
 */
export function massDeletionGuard({ fleets }: Pick<SweepRules, 'fleets'>) {
  const counts = new Map<string, GuardedFleet>();
  const kept: SweepItem[] = [];
  return {
    /** @returns the item, unless it is kept */
    sort({ record }: JoinedDevice, item: SweepItem | null): SweepItem | null {
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
     * At the end: those that are to be looked at, and the fleets of which none is.
     *
     * @param allowGone believe all of it
     */
    end(allowGone = false): { items: SweepItem[]; held: GuardedFleet[] } {
      const held = allowGone ? [] : [...counts.values()].filter(isImplausible);
      const slugs = new Set<string | null>(held.map(({ fleet }) => fleet));
      return { items: kept.filter(({ fleet }) => !slugs.has(fleet)), held };
    },
  };
}

function isImplausible({ gone, records }: GuardedFleet): boolean {
  return gone > tolerableCount && gone > records * tolerablePart;
}

/** What is said of such a fleet, and what to do. */
export function describeGuarded({ fleet, gone, records }: GuardedFleet): string {
  return (
    `${gone} of ${records} records of ${fleet} look gone from balena, and were left alone: has the API key lost rights? ` +
    `If the fleet was emptied on purpose: provisioner sweep --fleet ${fleet} --allow-gone`
  );
}
