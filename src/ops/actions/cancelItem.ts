import { live } from '../../record/live.js';
import { tell } from '../../record/tell.js';
import type { OpsTools } from '../OpsTools.js';
import type { StoredAction } from './StoredAction.js';

/**
 * Gives up again what an action asked for and is not done. Its message stays in the queue, and dead-letters itself when it falls
 * due: to cancel the message would leave the request nowhere.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function cancelItem(
  { records, clock }: Pick<OpsTools, 'records' | 'clock'>,
  action: StoredAction,
  uuid: string,
): Promise<void> {
  await records.amend(uuid, (record) => {
    if (!record || record.action?.id !== action.id || !live(record.ticket) || record.ticket.kind !== 'change')
      return null;
    const now = clock.now();
    record.ticket.dead = { at: now, cancelled: true };
    // Why it is not provisioned is what it failed of before.
    record.error = record.action.error ?? {
      code: 'cancelled',
      step: null,
      message: 'A replay of it was cancelled before it was done.',
      at: now,
    };
    tell(record, {
      at: now,
      what: 'cancelled',
      note: `the replay was cancelled by ${action.cancelledBy ?? action.by}`,
    });
    return record;
  });
}
