import type { Records } from '../../device/repository.js';
import { partsOf, pendingDue } from '../../device/summary.js';
import type { QueueManagement } from '../../queue/administration.js';
import type { Clock } from '../../shared/time.js';
import type { Overview } from './schema.js';

/** Everything that counting the messages uses. */
export interface DepthsDependencies {
  management: QueueManagement;
  records: Records;
  clock: Clock;
}

/** The role is assigned in infra/. */
const neededRight = 'the right Manage (role: Azure Service Bus Data Owner on the queue)';

/**
 * Reads the numbers of messages from the queue. If the queue denies the numbers, or does not answer, the records with pending work and with dead
 * jobs are counted.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function readDepths({
  management,
  records,
  clock,
}: DepthsDependencies): Promise<Overview['queue']> {
  const counted = await management.depths().catch(() => undefined);
  if (counted) return { ...counted, source: 'queue', note: null };
  const [pending, dead] = await Promise.all([
    records.listedSummaries('pending'),
    records.listedSummaries('dead'),
  ]);
  const now = clock.now();
  const due = pending.map(pendingDue).filter((at) => at !== null);
  const depths = {
    active: due.filter((at) => at <= now).length,
    scheduled: due.filter((at) => at > now).length,
    deadLettered: dead
      .flatMap(partsOf)
      .filter(({ job }) => job?.deadAt != null && !job.cancelled && !job.discarded).length,
  };
  const why = counted === null ? `the numbers of the queue need ${neededRight}` : 'the queue did not answer';
  return { ...depths, source: 'records', note: `Counted from the records: ${why}.` };
}
