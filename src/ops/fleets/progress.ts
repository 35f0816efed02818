import type { State } from '../../device/state.js';
import { type Clock, type EpochMs, iso, isoOrNull } from '../../shared/time.js';
import type { IndexedDevice } from '../devices/DeviceIndex.js';
import type { DeviceSnapshots } from '../devices/snapshot.js';
import type { FleetList, FleetProgress } from './schema.js';

const freshMs = 2_000;
/** As in the overview's card of the certificates. */
const soonMs = 30 * 86_400_000;

/** The states of pending work. */
const pendingStates: readonly State[] = ['queued', 'working', 'retrying'];
const doneStates: readonly State[] = ['provisioned', 'deprovisioned'];

/**
 * Counts the devices of each fleet.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function listFleets(deps: {
  deviceSnapshots: DeviceSnapshots;
  clock: Clock;
}): Promise<FleetList> {
  const { devices, asOf } = await deps.deviceSnapshots.read(freshMs);
  return { fleets: countFleets(devices, deps.clock.now()), asOf: iso(asOf) };
}

/** Counts devices by fleet. The fleet with the most pending and failed devices is first. */
export function countFleets(devices: Iterable<IndexedDevice>, now: EpochMs): FleetProgress[] {
  const fleets = new Map<string | null, { progress: FleetProgress; lastDone: EpochMs }>();
  for (const device of devices) {
    const { fleet } = device;
    const found = fleets.get(fleet) ?? { progress: emptyProgress(fleet), lastDone: 0 };
    fleets.set(fleet, found);
    addDevice(found.progress, device, now);
    found.lastDone = Math.max(found.lastDone, device.completedAt);
  }
  return [...fleets.values()]
    .map(({ progress, lastDone }) => ({ ...progress, lastDoneAt: isoOrNull(lastDone || null) }))
    .sort((a, b) => b.pending + b.failed - (a.pending + a.failed) || b.devices - a.devices);
}

function emptyProgress(fleet: string | null): FleetProgress {
  const counts = { devices: 0, done: 0, pending: 0, failed: 0, checksFailed: 0, expiring: 0 };
  return { fleet, states: {}, ...counts, lastDoneAt: null };
}

function addDevice(progress: FleetProgress, device: IndexedDevice, now: EpochMs): void {
  const state = device.stateAt(now);
  progress.devices += 1;
  progress.states[state] = (progress.states[state] ?? 0) + 1;
  if (doneStates.includes(state)) progress.done += 1;
  if (pendingStates.includes(state)) progress.pending += 1;
  if (state === 'failed') progress.failed += 1;
  if (device.checkFailed) progress.checksFailed += 1;
  if (device.expiresAt > 0 && device.expiresAt - now <= soonMs) progress.expiring += 1;
}
