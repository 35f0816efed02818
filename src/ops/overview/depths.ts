import type { QueueManagement } from '../../queue/administration.js';
import type { Clock } from '../../shared/time.js';
import type { DeviceSnapshots } from '../devices/snapshot.js';
import type { Overview } from './schema.js';

/** Everything that counting the messages uses. */
export interface DepthsDependencies {
  management: QueueManagement;
  deviceSnapshots: DeviceSnapshots;
  clock: Clock;
}

const snapshotFreshMs = 10_000;
/** The role is assigned in infra/. */
const neededRight = 'the right Manage (role: Azure Service Bus Data Owner on the queue)';

/**
 * Reads the numbers of messages from the queue. If the queue denies the numbers, or does not answer, the records are counted.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function readDepths({
  management,
  deviceSnapshots,
  clock,
}: DepthsDependencies): Promise<Overview['queue']> {
  const counted = await management.depths().catch(() => undefined);
  if (counted) return { ...counted, source: 'queue', note: null };
  const { devices } = await deviceSnapshots.read(snapshotFreshMs);
  const now = clock.now();
  const depths = { active: 0, scheduled: 0, deadLettered: 0 };
  for (const { present, refused, due } of devices) {
    depths.deadLettered += [present, refused].filter(({ job }) => job === 'dead').length;
    if (due > 0) depths[due > now ? 'scheduled' : 'active'] += 1;
  }
  const why = counted === null ? `the numbers of the queue need ${neededRight}` : 'the queue did not answer';
  return { ...depths, source: 'records', note: `Counted from the records: ${why}.` };
}
