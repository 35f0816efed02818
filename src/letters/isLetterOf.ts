import type { ProvisioningMessage } from '../message/ProvisioningMessage.js';
import type { Summary } from '../record/Summary.js';

/** Is this the letter of the record's given-up ticket, or work that is still owed? Any other letter is superseded. */
export function isLetterOf(
  { requestId, n }: ProvisioningMessage,
  record: Pick<Summary, 'requestId' | 'ticket'>,
): boolean {
  return record.ticket?.n === n && record.requestId === requestId && !record.ticket.discarded;
}
