import type { VariableScope } from '../../src/device/record.js';

export const findingKinds = [
  'identity-without-device',
  'identity-without-record',
  'identity-not-wanted',
  'variables-without-identity',
  'variables-not-accepted',
  'variables-not-wanted',
  'variables-missing',
  'variables-differ',
  'thumbprint-not-held',
  'certificate-expiring',
  'certificate-expired',
  'record-without-device',
  'dead-record-without-device',
] as const;

/**
 * What hub, records and balena disagree about. Those that end with `not-wanted`: the device is to be deprovisioned.
 */
export type FindingKind = (typeof findingKinds)[number];

/** How a finding is mended, always through the queue. */
export type Fix =
  /** A worker looks at the device, and asks the hub as well. */
  | { how: 'check' }
  /** The device is asked for, and keeps the credentials that it holds. */
  | { how: 'adopt'; service: VariableScope }
  /** Its absence is asked for, if balena still does not know it, and our key still sees its fleet. */
  | { how: 'remove' }
  /** The same of a device of which nobody knows the fleet: it may be in one that our key does not see. Only on demand. */
  | { how: 'remove-unknown' }
  /** The hub is to stop to accept a thumbprint. */
  | { how: 'retire'; service: VariableScope; thumbprint: string }
  | { how: 'by-hand'; why: string };

export interface Finding {
  kind: FindingKind;
  uuid: string;
  /** The fleet's slug, as far as it is known. */
  fleet: string | null;
  /** Of the record at that time; null if there was none. With another one, the finding is out of date. */
  requestId: string | null;
  /** One sentence. */
  detail: string;
  fix: Fix;
}
