import type { OpsDependencies } from '../dependencies.js';
import type { Overview } from './schema.js';

/** What a role that shows the counts is called; see infra/. */
const needed = 'the right Manage (role: Azure Service Bus Data Owner on the queue)';

/**
 * How deep the queue is; where it may not be asked, or does not answer, as the records tell.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function readDepths({
  management,
  recordBook,
  clock,
}: Pick<OpsDependencies, 'management' | 'recordBook' | 'clock'>): Promise<Overview['queue']> {
  const own = await management.depths().catch(() => undefined);
  if (own) return { ...own, source: 'queue', note: null };
  const { records } = await recordBook.read(10_000);
  const now = clock.now();
  const depths = { active: 0, scheduled: 0, deadLettered: 0 };
  for (const { job } of records.values()) {
    if (!job) continue;
    if (job.deadAt !== null) depths.deadLettered += job.cancelled || job.discarded ? 0 : 1;
    else depths[job.due > now ? 'scheduled' : 'active'] += 1;
  }
  const why = own === null ? `its own counts need ${needed}` : 'the queue did not answer';
  return { ...depths, source: 'records', note: `Counted from the records: ${why}.` };
}
