import { randomUUID } from 'node:crypto';
import { requested, suspended } from '../../src/device/transitions.js';
import { publish } from '../../src/queue/publish.js';
import type { VirtualSystem } from './system.js';

/**
 * Puts devices into the line, as if each had requested and had been looked up before. Seeding 100,000 devices by requests would take a
 * minute of real time.
 *
 * @param fleet the fleet of the devices
 */
export async function seedWaiting(
  system: VirtualSystem,
  uuids: readonly string[],
  fleet: string,
): Promise<void> {
  const { time, instance } = system;
  const { deps } = instance();
  const { rateLimiter, records } = deps;
  let seeded = 0;
  const seed = async (uuid: string) => {
    const reservation = await rateLimiter.reserve({ fleet });
    const due = await rateLimiter.wakeAt(reservation);
    const context = { now: deps.clock.now() };
    const request = { uuid, present: true as const, service: 'main' };
    const fresh = requested(null, context, request, randomUUID());
    const found = { ...fresh, observed: { ...fresh.observed, fleet } };
    const waiting = suspended(found, context, due, reservation, []);
    await records.write(waiting, null);
    await publish(deps, waiting);
    seeded += 1;
  };
  for (const uuid of uuids) void seed(uuid);
  await time.run(time.now() + 60_000, () => seeded === uuids.length);
}
