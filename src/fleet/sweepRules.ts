import type { ListedDevice } from '../balena/listing.js';
import { foreignServicesOf, heldBy } from '../certificates/read.js';
import type { CheckNotice, VariableScope } from '../device/record.js';
import { isOfOtherHub } from '../device/state.js';
import { isBeingHandled, type Summary } from '../device/summary.js';
import type { EpochMs } from '../shared/time.js';
import type { JoinedDevice } from './mergeJoin.js';

/** What a sweep does about a device: request credentials, or request a check. */
export type SweepItem = { uuid: string; fleet: string | null } & (
  | { act: 'request'; service: VariableScope }
  | { act: 'check'; why: CheckReason; notice?: CheckNotice }
);

/**
 * The reasons of a check. `gone`: the device is missing in balena's lists. `outside`: the device is in a fleet that is not served.
 * `came-back`: such a device is in a served fleet again. `other-hub`: the record is about another hub than ours. `failed-request`: the last
 * request failed for good, and its cause may be gone.
 * `variables-left`: a deprovisioned device still has variables. `variables-in-foreign-service`: a service of another application, for
 * example the host OS, has the credentials.
 */
export const checkReasons = [
  'gone',
  'outside',
  'came-back',
  'other-hub',
  'failed-request',
  'variables-missing',
  'variables-differ',
  'variables-left',
  'variables-in-foreign-service',
] as const;
export type CheckReason = (typeof checkReasons)[number];

/** The rules of a sweep. */
export interface SweepRules {
  /** The slugs of the fleets to sweep. */
  fleets: readonly string[];
  /** The slugs of the served fleets (FLEETS); null: every fleet that the key sees. */
  served: readonly string[] | null;
  /** The host name of our hub; null if unknown. */
  hubHost: string | null;
  /** The service of newly requested devices. */
  service: VariableScope;
  /** A device is left alone for this time (ms) after a request, check or run, because the two lists are read at different times. */
  settleMs: number;
}

/** The sweep requests a check of a failed request after this time. The cause is rarely gone sooner, and each check costs a request to balena. */
const retakeMs = 3_600_000;

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
  // Pending work reads the real state.
  if (isBeingHandled(record, now)) return null;
  const lastChange = Math.max(
    record.requestedAt,
    record.verifiedAt,
    record.completedAt ?? 0,
    record.errorAt,
    record.outside?.since ?? 0,
  );
  if (now - lastChange < rules.settleMs) return null;
  const fleet = device?.fleet ?? record.fleet;
  const why =
    device && isServed(device.fleet, rules) ? mismatch(device, record, rules, now) : leaving(record, rules);
  if (!why) return null;
  return { uuid, fleet, act: 'check', why, ...(isAboutLeaving(why) && { notice: 'outside' as const }) };
}

/** Whether the device seems to have left its fleet: deleted, or moved. */
export function isAboutLeaving(why: CheckReason): boolean {
  return why === 'gone' || why === 'outside';
}

/** The fleet to which the guard counts a device: the last served fleet, because a moved device was served there. */
export function groupOf({ servedFleet, fleet }: Summary): string | null {
  return servedFleet ?? fleet;
}

/** Whether the device may have a hub identity or credentials, as far as the record knows. */
export function mayHoldCredentials({ operation, outside, hub, thumbprint }: Summary): boolean {
  if (operation === 'deprovision' || outside?.isHandled) return false;
  return hub !== 'none' || thumbprint !== null;
}

function isServed(fleet: string, { served }: SweepRules): boolean {
  return served === null || served.includes(fleet);
}

/** The reason to look at a device that the served fleets do not list. */
function leaving(record: Summary, rules: SweepRules): CheckReason | null {
  const { fleet } = record;
  const group = groupOf(record);
  if (group === null || fleet === null || !mayHoldCredentials(record)) return null;
  if (!isServed(fleet, rules) && record.servedFleet !== null)
    // With FLEETS, a sweep judges its own fleets, and fleets that FLEETS has lost.
    return rules.fleets.includes(group) || !isServed(group, rules) ? 'outside' : null;
  return rules.fleets.includes(fleet) ? 'gone' : null;
}

function mismatch(
  device: ListedDevice,
  record: Summary,
  { hubHost }: SweepRules,
  now: EpochMs,
): CheckReason | null {
  if (record.outside) return 'came-back';
  const { job } = record;
  if (job) {
    // An operator has ended the request.
    if (job.cancelled || job.discarded) return null;
    return now - record.errorAt < retakeMs ? null : 'failed-request';
  }
  const held = heldBy(device);
  const foreign = foreignServicesOf(device).length > 0 ? 'variables-in-foreign-service' : null;
  if (record.operation === 'deprovision') return held.size > 0 ? 'variables-left' : foreign;
  const elsewhere = isOfOtherHub(record, hubHost) ? 'other-hub' : foreign;
  // The variables of an issued certificate stay as long as the certificate.
  if (record.key === 'device') return held.size > 0 && !record.issued ? 'variables-left' : elsewhere;
  const here = held.get(record.service ?? '');
  if (!here) return 'variables-missing';
  if (here.thumbprint !== record.thumbprint) return 'variables-differ';
  return elsewhere;
}
