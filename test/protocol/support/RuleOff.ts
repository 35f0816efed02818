import type { BalenaClient } from '../../../src/balena/types.js';
import type { Ca } from '../../../src/certificates/ca/ca.js';
import type { ListedDevice } from '../../../src/device/lists.js';
import type { DeviceRecord } from '../../../src/device/record.js';
import type { rotate } from '../../../src/fleet/rotate.js';
import type { handleEvent } from '../../../src/http/webhook/handle.js';
import type { HubRegistry } from '../../../src/iothub/types.js';
import type { accept } from '../../../src/provisioning/accept.js';
import type { WorkerSettings } from '../../../src/provisioning/dependencies.js';
import type { Queue } from '../../../src/queue/queue.js';
import type { ErasableTable, ScannedTable } from '../../../src/storage/table.js';
import type { CircuitBreaker } from '../../../src/throttling/circuitBreaker.js';
import type { Cloud } from './createCloud.js';

/** A record with changeable fields. */
export type Draft = { -readonly [Name in keyof DeviceRecord]: DeviceRecord[Name] };

/** The table of the records. */
export type DevicesTable = ScannedTable<DeviceRecord> & ErasableTable<DeviceRecord>;

/** Switches a rule of the protocol off from outside: in the dependencies. The product's code stays the same. */
export interface RuleOff {
  devices?: (table: DevicesTable) => DevicesTable;
  lists?: (table: ErasableTable<ListedDevice>) => ErasableTable<ListedDevice>;
  queue?: (queue: Queue) => Queue;
  hub?: (hub: HubRegistry) => HubRegistry;
  ca?: (ca: Ca) => Ca;
  /** Called for each run. */
  balena?: (balena: BalenaClient) => BalenaClient;
  circuit?: (circuit: CircuitBreaker) => CircuitBreaker;
  accept?: typeof accept;
  rotate?: typeof rotate;
  handleEvent?: typeof handleEvent;
  /** Dead-lettered messages are completed instead. */
  noDeadLetters?: true;
  settings?: Partial<WorkerSettings>;
  /** Without the overdue timer. */
  noTimer?: true;
  /** Changes a record before the write, or after the read. */
  onWrite?: (record: Draft, before: DeviceRecord | null) => void;
  onRead?: (record: Draft, cloud: Cloud) => void;
}
