import type { ListedDevice } from '../balena/listing.js';
import { heldBy } from '../certificates/read.js';
import type { VariableScope } from '../device/record.js';
import type { Summary } from '../device/summary.js';
import type { JoinedDevice } from './mergeJoin.js';

/** What a sweep does about a device: ask for it, or have a worker look at it. */
export type SweepItem = { uuid: string; fleet: string | null } & (
  | { act: 'ask'; service: VariableScope }
  | { act: 'check'; why: CheckReason }
);

export const checkReasons = ['gone', 'variables-missing', 'variables-differ', 'variables-left'] as const;
export type CheckReason = (typeof checkReasons)[number];

export interface SweepRules {
  fleets: readonly string[];
  /** Where the credentials of new devices belong. */
  service: VariableScope;
  /** How long a device is left alone after something was asked or found out about it, ms: the lists are not of the same moment. */
  settleMs: number;
}

/** @param now Unix ms */
export function sweepItem(
  { uuid, device, record }: JoinedDevice,
  rules: SweepRules,
  now: number,
): SweepItem | null {
  if (!record) {
    // What is there already, whoever put it there, is for an audit to judge.
    if (!device || device.certificates.size > 0) return null;
    return { uuid, fleet: device.fleet, act: 'ask', service: rules.service };
  }
  // Work that is owed finds out by itself; what was given up is for ops.
  if (record.job) return null;
  if (now - Math.max(record.requestedAt, record.verifiedAt, record.completedAt ?? 0) < rules.settleMs)
    return null;
  const why = device ? mismatch(device, record) : mayHold(record, rules) ? 'gone' : null;
  return why && { uuid, fleet: device?.fleet ?? record.fleet, act: 'check', why };
}

/** Is it of the swept fleets, and not known to be gone yet? */
export function mayHold(
  { operation, fleet, hub, thumbprint }: Summary,
  { fleets }: Pick<SweepRules, 'fleets'>,
): boolean {
  if (operation === 'deprovision' || fleet === null || !fleets.includes(fleet)) return false;
  return hub !== 'none' || thumbprint !== null;
}

function mismatch(device: ListedDevice, record: Summary): CheckReason | null {
  const held = heldBy(device);
  if (record.operation === 'deprovision') return held.size > 0 ? 'variables-left' : null;
  const here = held.get(record.service ?? '');
  if (!here) return 'variables-missing';
  return here.thumbprint === record.thumbprint ? null : 'variables-differ';
}
