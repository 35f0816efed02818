import type { DeviceRecord } from '../../../device/record.js';
import { live } from '../../../device/state.js';
import { again, newRecord, tell } from '../../../device/transitions.js';
import { sendOrMark } from '../../../queue/publish.js';
import type { OpsTools } from '../../dependencies.js';
import type { Item, StoredAction } from '../action.js';

/**
 * Asks again for a failed request (docs/protocol.md, Replay). Done twice, the second time only sends its message again.
 *
 * @param due its turn, Unix ms
 * @returns false if it is superseded: its record has moved on, and is left alone
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: it may have been asked for
 */
export async function replayItem(
  tools: Pick<OpsTools, 'records' | 'queue' | 'clock'>,
  action: StoredAction,
  item: Item,
  due: number,
): Promise<boolean> {
  if (item.uuid === null) return false;
  let asked: DeviceRecord | null = null;
  const written = await tools.records.amend(item.uuid, (record) => {
    asked = null;
    // Asked for already, by a process that may have died before it sent the message.
    if (record?.action?.id === action.id) asked = record;
    if (asked) return null;
    return askAgain(record, item, action, due, tools.clock.now());
  });
  const owed = written ?? (asked as DeviceRecord | null);
  if (!owed) return false;
  if (live(owed.ticket)) await sendOrMark(tools, owed);
  return true;
}

function askAgain(
  found: DeviceRecord | null,
  item: Item,
  action: StoredAction,
  due: number,
  now: number,
): DeviceRecord | null {
  const record = found ?? fromLetter(item, now);
  if (!record) return null;
  if (found && !isStillDead(found, item)) return null;
  const { error } = record;
  again(record, due);
  Object.assign(record, {
    attempts: 0,
    retries: 0,
    error: null,
    completedAt: null,
    replays: record.replays + 1,
    action: { id: action.id, error },
  });
  tell(record, { at: now, what: 'replayed', note: `asked for again by ${action.startedBy ?? action.by}` });
  return record;
}

function isStillDead({ ticket, desired }: DeviceRecord, { n, requestId }: Item): boolean {
  return (
    ticket?.dead !== undefined && !ticket.dead.discarded && ticket.n === n && desired.requestId === requestId
  );
}

/** The record of a letter whose record was lost: all that is owed is in the letter. */
function fromLetter({ uuid, requestId, n, asked }: Item, now: number): DeviceRecord | null {
  if (!asked || uuid === null || requestId === null || n === null) return null;
  const present = asked.operation === 'provision';
  const desired = { present, service: present ? (asked.service ?? '') : null, requestId, requestedAt: now };
  const record = newRecord(uuid, desired, now);
  // Above the letter's number, so that the letter is superseded.
  const lastN = Math.max(record.lastN, n);
  return { ...record, lastN, firstN: lastN + 1 };
}
