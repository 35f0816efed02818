import type { ListedDevice } from '../balena/listing.js';
import { foreignServicesOf, heldBy } from '../certificates/read.js';
import type { VariableScope } from '../device/record.js';
import type { Summary } from '../device/summary.js';
import type { EpochMs } from '../shared/time.js';
import type { JoinedDevice } from './mergeJoin.js';

/** What a sweep does about a device: request credentials, request again what failed, or request a check. */
export type SweepItem = { uuid: string; fleet: string | null } & (
  | { act: 'request'; service: VariableScope }
  /** `mustExist`: only if the device has the service now. */
  | { act: 'request-again'; service: VariableScope; mustExist: boolean }
  | { act: 'check'; why: CheckReason }
);

/**
 * The reasons of a check. `gone`: the device is missing in balena. `variables-left`: a deprovisioned device still has variables.
 * `variables-in-foreign-service`: a service of another application, for example the host OS, has the credentials.
 */
export const checkReasons = [
  'gone',
  'variables-missing',
  'variables-differ',
  'variables-left',
  'variables-in-foreign-service',
] as const;
export type CheckReason = (typeof checkReasons)[number];

/** The rules of a sweep. */
export interface SweepRules {
  fleets: readonly string[];
  /** The service of newly requested devices. */
  service: VariableScope;
  /** A device is left alone for this time (ms) after a request, check or run, because the two lists are read at different times. */
  settleMs: number;
}

/** Decides what a sweep does about a device. @returns null if the device needs nothing */
export function sweepItem(
  { uuid, device, record }: JoinedDevice,
  rules: SweepRules,
  now: EpochMs,
): SweepItem | null {
  if (!record) {
    // Credentials without a record may be from another system. The audit reports these devices.
    if (!device || device.certificates.size > 0) return null;
    return { uuid, fleet: device.fleet, act: 'request', service: rules.service };
  }
  if (device && record.isTakenUp) {
    const service = record.service ?? '';
    const mustExist = record.code === 'service-not-found' && service !== '';
    return { uuid, fleet: device.fleet, act: 'request-again', service, mustExist };
  }
  // A pending job reads the real state. A dead job waits for an operator.
  if (record.job) return null;
  if (now - Math.max(record.requestedAt, record.verifiedAt, record.completedAt ?? 0) < rules.settleMs)
    return null;
  const why = device ? mismatch(device, record) : mayHoldCredentials(record, rules) ? 'gone' : null;
  return why && { uuid, fleet: device?.fleet ?? record.fleet, act: 'check', why };
}

/** Whether the device may have a hub identity or credentials. Only devices of the swept fleets count. */
export function mayHoldCredentials(
  { operation, fleet, hub, thumbprint }: Summary,
  { fleets }: Pick<SweepRules, 'fleets'>,
): boolean {
  if (operation === 'deprovision' || fleet === null || !fleets.includes(fleet)) return false;
  return hub !== 'none' || thumbprint !== null;
}

function mismatch(device: ListedDevice, record: Summary): CheckReason | null {
  const held = heldBy(device);
  const foreign = foreignServicesOf(device).length > 0 ? 'variables-in-foreign-service' : null;
  if (record.operation === 'deprovision') return held.size > 0 ? 'variables-left' : foreign;
  const here = held.get(record.service ?? '');
  if (!here) return 'variables-missing';
  return here.thumbprint === record.thumbprint ? foreign : 'variables-differ';
}
