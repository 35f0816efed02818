import type { DeviceRecord } from '../../../device/record.js';
import { isPending } from '../../../device/state.js';
import { appendHistory, newRecord, reschedule } from '../../../device/transitions.js';
import { publishOrMarkUnsent } from '../../../queue/publish.js';
import type { OpsDependencies } from '../../dependencies.js';
import type { Item, StoredAction } from '../action.js';

/**
 * Asks again for a failed request (docs/protocol.md, Replay). Done twice, the second time only sends its message again.
 *
 * @param due its turn, Unix ms
 * @returns false if it is superseded: its record has moved on, and is left alone
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: it may have been asked for
 */
export async function replayItem(
  deps: Pick<OpsDependencies, 'records' | 'queue' | 'clock'>,
  action: StoredAction,
  item: Item,
  due: number,
): Promise<boolean> {
  if (item.uuid === null) return false;
  let requested: DeviceRecord | null = null;
  const written = await deps.records.amend(item.uuid, (record) => {
    requested = null;
    // Asked for already, by a process that may have died before it sent the message.
    if (record?.action?.id === action.id) requested = record;
    if (requested) return null;
    return askAgain(record, item, action, due, deps.clock.now());
  });
  const owed = written ?? (requested as DeviceRecord | null);
  if (!owed) return false;
  if (isPending(owed.job)) await publishOrMarkUnsent(deps, owed);
  return true;
}

function askAgain(
  found: DeviceRecord | null,
  item: Item,
  action: StoredAction,
  due: number,
  now: number,
): DeviceRecord | null {
  const record = found ?? fromDeadLetter(item, now);
  if (!record) return null;
  if (found && !isStillDead(found, item)) return null;
  const { error } = record;
  reschedule(record, due);
  Object.assign(record, {
    attempts: 0,
    retries: 0,
    error: null,
    completedAt: null,
    replays: record.replays + 1,
    action: { id: action.id, error },
  });
  appendHistory(record, {
    at: now,
    type: 'replayed',
    note: `asked for again by ${action.startedBy ?? action.by}`,
  });
  return record;
}

function isStillDead({ job, desired }: DeviceRecord, { generation, requestId }: Item): boolean {
  return (
    job?.dead !== undefined &&
    !job.dead.discarded &&
    job.generation === generation &&
    desired.requestId === requestId
  );
}

/** The record of a letter whose record was lost: all that is owed is in the letter. */
function fromDeadLetter({ uuid, requestId, generation, requested }: Item, now: number): DeviceRecord | null {
  if (!requested || uuid === null || requestId === null || generation === null) return null;
  const present = requested.operation === 'provision';
  const desired = {
    present,
    service: present ? (requested.service ?? '') : null,
    requestId,
    requestedAt: now,
  };
  const record = newRecord(uuid, desired, now);
  // Above the letter's number, so that the letter is superseded.
  const lastGeneration = Math.max(record.lastGeneration, generation);
  return { ...record, lastGeneration, firstGeneration: lastGeneration + 1 };
}
