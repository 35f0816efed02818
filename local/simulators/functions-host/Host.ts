import type { HostFaults } from './hostFaults.js';
import type { HostSettings } from './hostSettings.js';
import type { UnderProcessing } from './servicebus/settler.js';
import type { Workers } from './startWorkers.js';
import type { RunningInvocations } from './trigger.js';

/** What the triggers of a host share. */
export interface Host {
  workers: Workers;
  settings: HostSettings;
  running: RunningInvocations;
  underProcessing: UnderProcessing;
  /** The faults of the host now. */
  faults: HostFaults;
  /** The folder for the locks and the status of timers. Null: the timers keep nothing. */
  stateFolder: string | null;
  onEvent(line: string): void;
}
