import type { BalenaClient } from '../balena/types.js';
import type { DeviceRecord } from '../device/record.js';
import type { Records } from '../device/repository.js';
import { isUnknownDevice } from '../device/state.js';
import { removalPostponed } from '../device/transitions.js';
import { forEachConcurrently } from '../shared/async.js';
import type { Clock } from '../shared/time.js';
import type { Row } from '../storage/table.js';

/** Everything that the removal uses. */
export interface RemovalDependencies {
  records: Records;
  balena: Pick<BalenaClient, 'findDevice' | 'seesFleet'>;
  clock: Clock;
}

/** The most devices about which one run asks balena. The next run continues. */
const mostLooks = 100;
/** The most records of unknown devices that one run removes: 2.9 million a day, with 100 requests a second to the table. */
const mostUnknown = 10_000;
const callsAtATime = 20;

/**
 * Removes the records that are not needed any more (docs/protocol.md, "Removal"). A timer calls this function.
 *
 * @param signal ends the run at the next record; the next run continues
 * @returns the number of removed records
 * @throws ProvisioningError `records-unavailable`, `balena-…`, `timed-out`: the next run tries again
 */
export async function removeRecords(deps: RemovalDependencies, signal?: AbortSignal): Promise<number> {
  const { records, clock } = deps;
  const unknown: Row<DeviceRecord>[] = [];
  const deprovisioned: Row<DeviceRecord>[] = [];
  for await (const found of records.listed('removal', clock.now())) {
    if (signal?.aborted) return 0;
    if (isUnknownDevice(found.value)) unknown.push(found);
    else if (deprovisioned.length < mostLooks) deprovisioned.push(found);
    if (unknown.length >= mostUnknown) break;
  }
  let removed = 0;
  // A later request of the device has made another version of the record. The record then stays.
  const remove = async (found: Row<DeviceRecord>) => {
    if (await records.remove(found)) removed += 1;
  };
  await forEachConcurrently(unknown, callsAtATime, remove, signal);
  const failures: unknown[] = [];
  // One device that balena cannot look up must not keep the other records.
  const look = async (found: Row<DeviceRecord>) => {
    try {
      if (!(await isInBalena(deps, found.value))) await remove(found);
      else await records.write(removalPostponed(found.value, { now: clock.now() }), found.etag);
    } catch (error) {
      failures.push(error);
    }
  };
  await forEachConcurrently(deprovisioned, callsAtATime, look, signal);
  if (failures.length > 0) throw failures[0];
  return removed;
}

/** Whether balena has the device, or may have the device in a fleet that our key does not see. */
async function isInBalena(
  { balena }: RemovalDependencies,
  { uuid, observed }: DeviceRecord,
): Promise<boolean> {
  if (await balena.findDevice(uuid)) return true;
  return observed.fleet !== null && !(await balena.seesFleet(observed.fleet));
}
