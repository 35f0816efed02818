import type { DeviceRecord } from '../../device/record.js';
import { hubAccepts, isPending } from '../../device/state.js';
import { viewOf } from '../../device/view.js';
import { expectedAt } from '../../provisioning/expectedAt.js';
import { iso, isoOrNull } from '../../shared/time.js';
import type { OpsDependencies } from '../dependencies.js';
import { RequestError } from '../requestError.js';
import type { DeviceHistory } from './schema.js';

/**
 * One device and what happened to it.
 *
 * @throws Refused (404) if nothing was ever asked for it; ProvisioningError `records-unavailable`
 */
export async function readHistory(deps: OpsDependencies, uuid: string): Promise<DeviceHistory> {
  const found = await deps.records.read(uuid);
  if (!found)
    throw new RequestError('ops.no-such-device', `Nothing was ever asked for the device ${uuid}.`, 404);
  const record = found.value;
  const { job, observed, replays, firstSeenAt, completedAt } = record;
  const discarded = job?.dead?.discarded;
  return {
    device: {
      ...viewOf(record, await expectedAt(deps, record), deps.clock.now()),
      fleet: observed.fleet,
      replays,
      firstSeenAt: iso(firstSeenAt),
      completedAt: isoOrNull(completedAt),
      dueAt: isPending(job) ? iso(job.due) : null,
      hub: hubOf(record),
      replayable: job?.dead !== undefined && !discarded,
      discarded: discarded ? { at: iso(discarded.at), by: discarded.by, reason: discarded.reason } : null,
    },
    history: record.history.map(({ at, steps, ...event }) => ({
      at: iso(at),
      ...event,
      ...(steps && { steps: [...steps] }),
    })),
  };
}

function hubOf({ observed: { hub, thumbprint } }: DeviceRecord): DeviceHistory['device']['hub'] {
  if (!Array.isArray(hub)) return hub;
  return thumbprint !== null && hubAccepts(hub, thumbprint) ? 'accepts-certificate' : 'accepts-other';
}
