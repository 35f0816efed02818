import type { Hub } from '../../../src/edges/hub/Hub.js';
import type { Queue } from '../../../src/edges/queue.js';
import type { ScannedTable } from '../../../src/edges/table.js';
import type { DeviceRecord } from '../../../src/record/DeviceRecord.js';
import type { WorkerSettings } from '../../../src/worker/Tools.js';
import type { Cloud } from './createCloud.js';

/** How a rule of the protocol is switched off from outside: at the edges, the product's code being what it is. */
export interface RuleOff {
  devices?: (table: ScannedTable<DeviceRecord>) => ScannedTable<DeviceRecord>;
  queue?: (queue: Queue) => Queue;
  hub?: (hub: Hub) => Hub;
  settings?: Partial<WorkerSettings>;
  /** Without the overdue timer. */
  noTimer?: true;
  /** Changes what a record says as it is written, or as it is read. */
  onWrite?: (record: DeviceRecord, before: DeviceRecord | null) => void;
  onRead?: (record: DeviceRecord, cloud: Cloud) => void;
}
