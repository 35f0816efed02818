import type { Summary } from '../../record/Summary.js';
import type { Records } from '../../records.js';
import type { ActionCounts } from '../Action.js';
import type { StoredAction } from './StoredAction.js';

/**
 * What has become of those that an action asked for.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function countOutcomes(records: Records, action: StoredAction): Promise<ActionCounts> {
  const { planned, quarantined, next: asked, kind } = action;
  const counts = { planned, quarantined, asked, superseded: action.superseded };
  if (kind === 'discard') {
    return { ...counts, succeeded: asked - action.superseded, failed: 0, cancelled: 0, underWay: 0 };
  }
  const outcomes = { succeeded: 0, failed: 0, cancelled: 0, underWay: 0 };
  for await (const summary of records.summaries({ action: action.id })) outcomes[outcomeOf(summary)] += 1;
  const found = outcomes.succeeded + outcomes.failed + outcomes.cancelled + outcomes.underWay;
  // Those that others have asked for since are not ours any more. A part that is just being asked for is not counted as asked yet.
  return {
    ...counts,
    asked: Math.max(asked, found),
    superseded: Math.max(action.superseded, asked - found),
    ...outcomes,
  };
}

function outcomeOf({
  ticket,
  state,
  completedAt,
}: Summary): 'succeeded' | 'failed' | 'cancelled' | 'underWay' {
  if (ticket?.cancelled) return 'cancelled';
  if (ticket && ticket.deadAt === null && ticket.kind === 'change') return 'underWay';
  // A rotation that was taken back: the device is as it was.
  if (!ticket && completedAt === null) return 'cancelled';
  return state === 'failed' ? 'failed' : 'succeeded';
}
