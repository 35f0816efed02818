import type { VariableScope } from '../../src/device/record.js';
import type { JoinedDevice } from '../../src/fleet/mergeJoin.js';

/** One device in balena, in the records and in the hub. */
export interface ComparedDevice extends JoinedDevice {
  /** The thumbprints that the hub accepts; empty for a disabled identity or another kind of authentication; null without an identity. */
  accepts: readonly string[] | null;
}

/** The rules of the comparison. */
export interface CompareRules {
  /** The scope for the credentials of a device without a record and without credentials. */
  service: VariableScope;
  /** The part of a certificate's life before its renewal, for example 0.8. */
  renewAt: number;
}

/** All kinds of findings. The kinds are stable, because scripts read them. */
export const findingKinds = [
  'identity-without-device',
  'identity-without-record',
  'identity-not-wanted',
  'variables-without-identity',
  'variables-not-accepted',
  'variables-not-wanted',
  'variables-missing',
  'variables-differ',
  'variables-in-foreign-service',
  'own-key-not-accepted',
  'thumbprint-not-held',
  'certificate-expiring',
  'certificate-expired',
  'record-without-device',
  'dead-record-without-device',
] as const;

/** A disagreement between IoT Hub, records and balena. With `…-not-wanted` the record wants the device deprovisioned. */
export type FindingKind = (typeof findingKinds)[number];

/** The fix of a finding. All fixes except `by-hand` go through the queue. */
export type Fix =
  /** A worker checks the device at balena and at the hub. */
  | { how: 'check' }
  /** Credentials are requested for the device. The device keeps its present credentials. */
  | { how: 'adopt'; service: VariableScope }
  /** The device is deprovisioned, if balena still does not know the device and the key still sees the fleet. */
  | { how: 'remove' }
  /** Like `remove`, for a device without a known fleet. Such a device may belong to a fleet outside the key's view, so the operator must agree. */
  | { how: 'remove-unknown' }
  /** The hub stops accepting a thumbprint. `service`: null for a device with an own key. */
  | { how: 'retire'; service: VariableScope | null; thumbprint: string }
  /** An operator must decide. */
  | { how: 'by-hand'; why: string };

/** One disagreement about one device. */
export interface Finding {
  kind: FindingKind;
  uuid: string;
  /** Slug; null if the fleet is unknown. */
  fleet: string | null;
  /** The record's request at the time of the audit; null if there was no record. After a newer request the finding is outdated. */
  requestId: string | null;
  /** One sentence for the operator. */
  detail: string;
  fix: Fix;
}
