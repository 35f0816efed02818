import type { DeviceRecord } from '../../device/record.js';
import { accepts, live } from '../../device/state.js';
import { viewOf } from '../../device/view.js';
import { expectedAt } from '../../provisioning/expectedAt.js';
import { iso, isoOrNull } from '../../shared/time.js';
import type { OpsTools } from '../dependencies.js';
import { Refused } from '../requestError.js';
import type { DeviceStory } from './schema.js';

/**
 * One device and what happened to it.
 *
 * @throws Refused (404) if nothing was ever asked for it; ProvisioningError `records-unavailable`
 */
export async function readStory(tools: OpsTools, uuid: string): Promise<DeviceStory> {
  const found = await tools.records.read(uuid);
  if (!found) throw new Refused('ops.no-such-device', `Nothing was ever asked for the device ${uuid}.`, 404);
  const record = found.value;
  const { ticket, observed, replays, firstSeenAt, completedAt } = record;
  const discarded = ticket?.dead?.discarded;
  return {
    device: {
      ...viewOf(record, await expectedAt(tools, record), tools.clock.now()),
      fleet: observed.fleet,
      replays,
      firstSeenAt: iso(firstSeenAt),
      completedAt: isoOrNull(completedAt),
      dueAt: live(ticket) ? iso(ticket.due) : null,
      hub: hubOf(record),
      replayable: ticket?.dead !== undefined && !discarded,
      discarded: discarded ? { at: iso(discarded.at), by: discarded.by, reason: discarded.reason } : null,
    },
    story: record.story.map(({ at, ...event }) => ({ at: iso(at), ...event })),
  };
}

function hubOf({ observed: { hub, thumbprint } }: DeviceRecord): DeviceStory['device']['hub'] {
  if (!Array.isArray(hub)) return hub;
  return thumbprint !== null && accepts(hub, thumbprint) ? 'accepts-certificate' : 'accepts-other';
}
