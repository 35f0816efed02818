import type { Desired, DeviceRecord } from '../../../src/device/record.js';
import type { StoredAction } from '../../../src/ops/bulk/action.js';
import type { Dependency } from '../../../src/shared/errors.js';
import { Callers } from './callers.js';
import { createBroker } from './createBroker.js';
import { createCloud } from './createCloud.js';
import { createWorld, type Process } from './createWorld.js';
import { uuids } from './devices.js';
import { type Rows, restoreRow } from './fakeTable.js';
import type { RuleOff } from './RuleOff.js';
import type { Scenario } from './Scenario.js';

/** The calls and pings to a dependency that have failed so far. */
interface Failures {
  /** The devices whose calls failed. */
  devices: Set<string>;
  pings: number;
}

export type System = ReturnType<typeof createSystem>;

/** The parts of the system outside the processes: stores, queue, hub, balena, and the world. */
export function createSystem(scenario: Scenario, rule: RuleOff, trace: boolean) {
  const world = createWorld({ ...scenario, trace });
  const rows = {
    devices: new Map() as Rows,
    lists: new Map() as Rows,
    system: new Map() as Rows,
    ops: new Map() as Rows,
  };
  const cloud = createCloud();
  const callers = new Map(uuids.map((uuid) => [uuid, new Callers(world)]));
  return {
    scenario,
    rule,
    world,
    rows,
    cloud,
    broker: createBroker(world),
    /** Finished requests, each with the time. */
    done: new Map<string, number>(),
    /** The requests of each device, from the callers' point of view. */
    callersOf: (uuid: string) => callers.get(uuid)!,
    /** The device with failing calls. */
    sick: scenario.sick,
    failures: {
      balena: { devices: new Set(), pings: 0 },
      hub: { devices: new Set(), pings: 0 },
    } as Record<Dependency, Failures>,
    /** The devices in whose runs a dependency has answered a ping. */
    answeredPings: new Set<string>(),
    /** The queue was lost, with all messages. */
    queueLost: false,
    /** The devices of each process's deliveries. */
    atDelivery: new Map<Process, string[]>(),
    /** Reservations in use. */
    reservations: new Set<string>(),
    /** The kinds of keys for which each process has held a lease on a device: `process uuid`. */
    leases: new Map<string, Set<'own' | 'issued' | 'absent'>>(),
    /** The desired state of the run of the lease holder of each device works. */
    atWork: new Map<string, Desired>(),
    /** The pair of each device, accepted by the hub. */
    held: new Map<string, string>(),
    /** The thumbprints that the hub accepted at the last look. */
    accepted: new Map<string, readonly string[]>(),
    /** Device and thumbprint, where a deprovisioning has removed an identity with this thumbprint. */
    withdrawn: new Set<string>(),
    /** Certificates from before this time are due for renewal; see `certificates.ts`. */
    renewBefore: null as number | null,
    /** The number of operators' actions. */
    actions: 0,
    /** The ids of the replays of single devices. */
    replays: new Set<string>(),
    /** The dead jobs whose dead letter an operator has resent with another tool, by device. */
    resent: new Map<string, { requestId: string; generation: number }>(),
    deliveries: 0,
    /** The devices with a record that was restored by hand, and whose rows in the lists are not repaired yet. */
    unlisted: new Set<string>(),
    /** The ids of the bulk actions. */
    bulk: [] as string[],
    /** The record for readers that change nothing. */
    recordOf(uuid: string): DeviceRecord | null {
      const row = rows.devices.get(`${uuid.slice(0, 2)}/${uuid}`);
      return row ? (row.value as DeviceRecord) : null;
    },
    /** The bulk actions under way. */
    runningActions(): string[] {
      return [...rows.ops.values()].flatMap(({ value }) => {
        const action = value as Partial<StoredAction>;
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
