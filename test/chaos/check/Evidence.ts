import type { Ask } from '../history/Ask.js';
import type { PlannedDevice } from '../plan/Plan.js';

/** The state of a device from the API (`GET /api/provision/{uuid}`). */
export interface View {
  state: string;
  operation: string;
  requestId: string;
  service: string | null;
  error: { code: string } | null;
}

/** A message in the dead-letter queue. */
export interface DeadLetter {
  uuid: string;
  requestId: string;
  reason: string;
}

/** A device's identity at the hub. */
export interface HubIdentity {
  enabled: boolean;
  /** SHA-256, upper case. */
  thumbprints: string[];
}

/** The names and values of a device's variables, by service; '' is the device level. */
export type Variables = Record<string, Record<string, string>>;

/** Everything known about one device after the system has settled. */
export interface DeviceEvidence {
  device: PlannedDevice;
  /** In the order of sending. */
  asks: Ask[];
  /** Null: 404. */
  view: View | null;
  deadLetters: DeadLetter[];
  identity: HubIdentity | null;
  /** Null: balena does not know the device. */
  variables: Variables | null;
}

/** A broken rule. */
export interface Violation {
  /** The device; missing if the rule is not about a single device. */
  uuid?: string;
  rule: 'ends' | 'order' | 'provisioned' | 'deprovisioned' | 'secrets' | 'cost' | 'answer';
  what: string;
}

/** Whether the variables of a scope include a certificate or key of this product. */
export function holdsOurs(values: Record<string, string>): boolean {
  return 'AZURE_CERT' in values || 'AZURE_PRIVATE_KEY' in values;
}
