import { randomUUIDv7 } from 'node:crypto';
import type { DeviceRecord } from '../../device/record.js';
import { deadPart } from '../../device/refusal.js';
import { isPending } from '../../device/state.js';
import { refusalReopened, replayed, requested, restoredFromDeadLetter } from '../../device/transitions.js';
import { publishOrMarkUnsent } from '../../queue/publish.js';
import type { EpochMs } from '../../shared/time.js';
import { productMetrics } from '../../telemetry/metrics.js';
import { currentTraceparent } from '../../telemetry/traceparent.js';
import type { Item, StoredAction } from './action.js';
import type { BulkDependencies } from './dependencies.js';

/**
 * Replays a failed request (docs/protocol.md, "Replay"). A second call for the same item only sends the job's message again.
 *
 * @param due the earliest start of the work
 * @returns false if the item is superseded: the device's record has another job by now
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the request may be replayed all the same
 */
export async function replayItem(
  deps: Pick<BulkDependencies, 'records' | 'queue' | 'clock'>,
  action: StoredAction,
  item: Item,
  due: EpochMs,
): Promise<boolean> {
  if (item.uuid === null) return false;
  let earlier: DeviceRecord | null = null;
  const written = await deps.records.amend(item.uuid, (found) => {
    // An earlier call replayed the item. The process of that call may have died before sending the message.
    const actions = [found?.action?.id, found?.refusal?.action?.id];
    earlier = actions.includes(action.id) ? found : null;
    if (earlier) return null;
    const now = deps.clock.now();
    const record = found ? replayable(found, item) : restored(item, now);
    return record && replayedBy(record, action, due, now);
  });
  if (written && action.service !== null) productMetrics().accepted('provision');
  const record = written ?? (earlier as DeviceRecord | null);
  if (!record) return false;
  if (isPending(record.job)) await publishOrMarkUnsent(deps, record);
  return true;
}

/**
 * The record after the replay: with the dead job again, or with a new request for the service of the action.
 *
 * @param record with the dead job as the job of the present request
 */
function replayedBy(
  record: DeviceRecord,
  { id, service, startedBy, by }: StoredAction,
  due: EpochMs,
  now: EpochMs,
): DeviceRecord | null {
  const context = { now, traceparent: currentTraceparent() };
  if (service === null || service === record.desired.service)
    return replayed(record, context, { due, by: startedBy ?? by, action: id });
  // A failed deprovisioning has no service, and must not become a provisioning. Nor must a request with an own key become one for an issued key.
  if (record.desired.service === null) return null;
  const request = { uuid: record.uuid, present: true, service, due, action: id } as const;
  return requested(record, context, request, randomUUIDv7());
}

function replayable(record: DeviceRecord, item: Item): DeviceRecord | null {
  const dead = deadPart(record, item);
  if (dead !== record) return dead && refusalReopened(record);
  return record.job?.dead?.discarded ? null : record;
}

/** The record of a dead letter whose record was lost; null if the item has no lost request. */
function restored({ uuid, requestId, generation, lostRequest }: Item, now: EpochMs): DeviceRecord | null {
  if (!lostRequest || uuid === null || requestId === null || generation === null) return null;
  return restoredFromDeadLetter({ uuid, requestId, generation, ...lostRequest }, { now });
}
