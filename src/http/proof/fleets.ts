import { mostUuids } from '../../balena/listing.js';
import type { Clock, EpochMs } from '../../shared/time.js';
import { longestWaitMs, tooManyProofs } from './waitingProofs.js';

/** Reads the fleet of a device, together with those of other devices. @returns undefined if our key does not see the device */
export type FleetOf = (uuid: string) => Promise<string | undefined>;

/** Two requests to balena a second, for up to 100 devices each. After a pause, four requests may follow one another at once. */
const gapMs = 500;
const burstMs = 3 * gapMs;
const mostWaiting = (longestWaitMs / gapMs) * mostUuids;

/**
 * Opens the reading. One request to balena answers for all devices that wait, and one request is under way at a time: 200 invented UUIDs a
 * second cost two requests.
 *
 * @param fleetsOf reads the fleets of up to `mostUuids` devices
 * @returns a function that throws ProvisioningError `balena-throttled`, if too many devices wait, and the errors of `fleetsOf`
 */
export function openFleetOf(
  clock: Clock,
  fleetsOf: (uuids: string[]) => Promise<Map<string, string>>,
): FleetOf {
  const waiting = new Map<string, PromiseWithResolvers<string | undefined>>();
  let next: EpochMs = 0;
  let isReading = false;

  async function readAll(): Promise<void> {
    isReading = true;
    while (waiting.size > 0) {
      next = Math.max(next, clock.now() - burstMs);
      await clock.sleep(Math.max(0, next - clock.now()));
      next += gapMs;
      const batch = [...waiting].slice(0, mostUuids);
      for (const [uuid] of batch) waiting.delete(uuid);
      try {
        const fleets = await fleetsOf(batch.map(([uuid]) => uuid));
        for (const [uuid, { resolve }] of batch) resolve(fleets.get(uuid));
      } catch (error) {
        for (const [, { reject }] of batch) reject(error);
      }
    }
    isReading = false;
  }

  return async (uuid) => {
    const found = waiting.get(uuid) ?? Promise.withResolvers<string | undefined>();
    if (!waiting.has(uuid) && waiting.size >= mostWaiting) throw tooManyProofs();
    waiting.set(uuid, found);
    if (!isReading) void readAll();
    return found.promise;
  };
}
