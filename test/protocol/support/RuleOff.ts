import type { DeviceRecord } from '../../../src/device/record.js';
import type { HubRegistry } from '../../../src/iothub/types.js';
import type { WorkerSettings } from '../../../src/provisioning/dependencies.js';
import type { Queue } from '../../../src/queue/queue.js';
import type { ScannedTable } from '../../../src/storage/table.js';
import type { Cloud } from './createCloud.js';

/** A record that a rule may change. */
export type Draft = { -readonly [Name in keyof DeviceRecord]: DeviceRecord[Name] };

/** How a rule of the protocol is switched off from outside: at the edges, the product's code being what it is. */
export interface RuleOff {
  devices?: (table: ScannedTable<DeviceRecord>) => ScannedTable<DeviceRecord>;
  queue?: (queue: Queue) => Queue;
  hub?: (hub: HubRegistry) => HubRegistry;
  settings?: Partial<WorkerSettings>;
  /** Without the overdue timer. */
  noTimer?: true;
  /** Changes what a record says as it is written, or as it is read. */
  onWrite?: (record: Draft, before: DeviceRecord | null) => void;
  onRead?: (record: Draft, cloud: Cloud) => void;
}
