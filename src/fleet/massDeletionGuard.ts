import type { JoinedDevice } from './mergeJoin.js';
import {
  groupOf,
  isAboutLeaving,
  mayHoldCredentials,
  type SweepItem,
  type SweepRules,
} from './sweepRules.js';

/** A fleet with too many apparently missing devices. The sweep leaves all of these devices alone. */
export interface GuardedFleet {
  fleet: string;
  /** Number of records without a device in balena's lists of the served fleets. */
  gone: number;
  /** Number of all records of the fleet with a hub identity or credentials, including `gone`. */
  records: number;
  /**
   * `many`: too large a part is missing. `not-served`: FLEETS does not name the fleet any more. `not-visible`: the key does not see the fleet.
   */
  why: 'many' | 'not-served' | 'not-visible';
}

/** Usually a smaller part of a fleet is deleted or moved between two sweeps. If the part is larger, an operator must confirm. */
const tolerablePart = 0.1;
/** This number of missing devices is always plausible, even in a small fleet. */
const tolerableCount = 20;

/** What the guard knows at the end of a sweep. */
export interface GuardOptions {
  /** The operator has confirmed that the missing devices were deleted or moved on purpose. */
  allowGone: boolean;
  /** Slugs of fleets that the key did not see during the sweep. */
  invisible: ReadonlySet<string>;
}

/**
 * Keeps the items of apparently missing devices until the end of a sweep. Only at the end is the missing part of each fleet known. If the
 * part is too large, the guard treats balena's list as wrong. A fleet that the key does not see, and a fleet that was taken out of FLEETS,
 * are guarded whatever their size: a wrong right or a wrong setting must not cost the devices their identities. An aborted sweep decides
 * by the devices seen so far. UUIDs are random, so the seen devices are a fair sample.
 */
export function massDeletionGuard(rules: Pick<SweepRules, 'fleets' | 'served'>) {
  const counts = new Map<string, { gone: number; records: number }>();
  const kept: { item: SweepItem & { act: 'check' }; group: string }[] = [];
  const whyGuarded = (
    group: string,
    { gone, records }: { gone: number; records: number },
    { invisible }: GuardOptions,
  ): GuardedFleet['why'] | null => {
    if (gone === 0) return null;
    if (invisible.has(group)) return 'not-visible';
    if (rules.served && !rules.served.includes(group)) return 'not-served';
    return gone > tolerableCount && gone > records * tolerablePart ? 'many' : null;
  };
  return {
    /**
     * Counts a device, and keeps the item of an apparently missing device.
     *
     * @returns the item; null if the guard keeps the item
     */
    keepIfGone({ record }: JoinedDevice, item: SweepItem | null): SweepItem | null {
      const group = record && groupOf(record);
      if (!group || !mayHoldCredentials(record)) return item;
      const count = counts.get(group) ?? { gone: 0, records: 0 };
      counts.set(group, count);
      count.records += 1;
      if (item?.act !== 'check' || !isAboutLeaving(item.why)) return item;
      count.gone += 1;
      kept.push({ item, group });
      return null;
    },
    /**
     * Releases the kept items at the end of a sweep. A released item of an invisible fleet tells the workers that the fleet was deleted.
     *
     * @returns the released items, and the fleets whose items are not released
     */
    release(options: GuardOptions): { items: SweepItem[]; guarded: GuardedFleet[] } {
      const guarded: GuardedFleet[] = [];
      for (const [fleet, count] of options.allowGone ? [] : counts) {
        const why = whyGuarded(fleet, count, options);
        if (why) guarded.push({ fleet, ...count, why });
      }
      const slugs = new Set(guarded.map(({ fleet }) => fleet));
      const items = kept
        .filter(({ group }) => !slugs.has(group))
        .map(({ item, group }): SweepItem => {
          return options.invisible.has(group) ? { ...item, notice: 'fleet-deleted' } : item;
        });
      return { items, guarded };
    },
  };
}

/** A sentence for operators about a guarded fleet, with the next step. */
export function describeGuarded({ fleet, gone, records, why }: GuardedFleet): string {
  const next = `provisioner sweep --fleet ${fleet} --allow-gone`;
  if (why === 'not-served')
    return (
      `FLEETS does not name ${fleet} any more. The hub identities of ${gone} devices stay. If FLEETS is wrong, add the fleet. ` +
      `If the fleet was taken out on purpose, run twice, ten minutes apart: ${next}`
    );
  if (why === 'not-visible')
    return (
      `The key does not see ${fleet} any more. The hub identities of ${gone} devices stay. Has the API key lost rights? ` +
      `If the fleet was deleted: ${next}`
    );
  return (
    `${gone} of ${records} devices of ${fleet} are missing in balena. The sweep left these devices alone. Has the API key lost rights? ` +
    `If the devices were deleted or moved on purpose: ${next}`
  );
}

/** A sentence for operators about a fleet that the key does not see. */
export function describeInvisible(fleet: string): string {
  return `The key does not see the fleet ${fleet}: the sweep did not judge its devices. Check FLEETS, BALENA_API_KEY and its rights`;
}
