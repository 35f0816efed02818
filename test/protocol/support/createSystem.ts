import type { Desired, DeviceRecord } from '../../../src/device/record.js';
import type { StoredAction } from '../../../src/ops/bulk/action.js';
import { Callers } from './callers.js';
import { createBroker } from './createBroker.js';
import { createCloud } from './createCloud.js';
import { createWorld, type Process } from './createWorld.js';
import { uuids } from './devices.js';
import { type Rows, restoreRow } from './fakeTable.js';
import type { RuleOff } from './RuleOff.js';
import type { Scenario } from './Scenario.js';

export type System = ReturnType<typeof createSystem>;

/** Everything that outlives a process: the stores, what stands outside, and the world around them. */
export function createSystem(scenario: Scenario, rule: RuleOff, trace: boolean) {
  const world = createWorld({ ...scenario, trace });
  const rows = { devices: new Map() as Rows, system: new Map() as Rows, ops: new Map() as Rows };
  const cloud = createCloud();
  const callers = new Map(uuids.map((uuid) => [uuid, new Callers(world)]));
  return {
    scenario,
    rule,
    world,
    rows,
    cloud,
    broker: createBroker(world),
    /** Requests that were worked off. */
    done: new Set<string>(),
    /** The requests of each device, as their callers know them. */
    callersOf: (uuid: string) => callers.get(uuid)!,
    /** A device whose calls fail, while those of the others do not. */
    sick: scenario.sick,
    /** Somebody emptied the queue. */
    queueLost: false,
    /** The devices that each process has a delivery of. */
    atDelivery: new Map<Process, string[]>(),
    /** Registry slots that somebody has. */
    reservations: new Set<number>(),
    /** What the holder of each device's lease works for. */
    atWork: new Map<string, Desired>(),
    /** Pairs that each device holds and can connect with. */
    held: new Map<string, string>(),
    /** Certificates from before this time are due for renewal; see `certificates.ts` for theirs. */
    renewBefore: null as number | null,
    /** Replays that ops have asked for. */
    actions: 0,
    deliveries: 0,
    /** Bulk actions that were started. */
    bulk: [] as string[],
    recordOf(uuid: string): DeviceRecord | null {
      const row = rows.devices.get(`${uuid.slice(0, 2)}/${uuid}`);
      return row ? (JSON.parse(row.json) as DeviceRecord) : null;
    },
    /** The bulk actions that have not come to their end. */
    runningActions(): string[] {
      return [...rows.ops.values()].flatMap(({ json }) => {
        const action = JSON.parse(json) as Partial<StoredAction>;
        const isRunning = action.state === 'running' || action.state === 'cancelling';
        return isRunning && action.id !== undefined ? [action.id] : [];
      });
    },
    loseRecord: (uuid: string) => rows.devices.delete(`${uuid.slice(0, 2)}/${uuid}`),
    /** @returns false if the record has no older version */
    restoreRecord: (uuid: string, steps: number) =>
      restoreRow(rows.devices, `${uuid.slice(0, 2)}/${uuid}`, steps),
  };
}
