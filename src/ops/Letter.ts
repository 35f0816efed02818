import type { ErrorCode, Step } from '../ProvisioningError.js';
import type { Place } from '../record/DeviceRecord.js';

/**
 * What may be done about a failed request or a letter.
 *
 * - `failed`: the request failed for good. It can be replayed or discarded.
 * - `quarantined`: the same, and it has failed again after so many replays that only a replay by name takes it.
 * - `cancelled`: a replay of it was cancelled. It can be replayed.
 * - `discarded`: ops want nothing more of it; its letter goes within minutes.
 * - `superseded`: a letter whose record has moved on; it goes within minutes.
 * - `owed`: a letter of work that is still owed; the overdue timer sends it again.
 * - `no-record`: a readable letter whose record is gone. A replay makes the record anew.
 * - `unreadable`: a letter that this version cannot read. It can be discarded.
 */
export const letterStatuses = [
  'failed',
  'quarantined',
  'cancelled',
  'discarded',
  'superseded',
  'owed',
  'no-record',
  'unreadable',
] as const;

export type LetterStatus = (typeof letterStatuses)[number];

/** One line of the list of dead letters: a failed request with its letter, or one of both alone. Times are ISO 8601. */
export interface Letter {
  status: LetterStatus;
  /** Null where the letter cannot be read. */
  uuid: string | null;
  requestId: string | null;
  /** Of the letter in the dead-letter queue; null if it was not found there (it may have been cancelled, or be far behind). */
  sequenceNumber: string | null;
  operation: 'provision' | 'rotate' | 'deprovision' | null;
  service: Place | null;
  /** Null where it was not seen yet. */
  fleet: string | null;
  /** The reason of its failure; of an unreadable letter the reason with which it was dead-lettered. */
  code: ErrorCode | string;
  step: Step | null;
  message: string | null;
  attempts: number;
  replays: number;
  superseded: boolean;
  firstSeenAt: string | null;
  /** When it failed for good, or was dead-lettered. */
  failedAt: string;
}

export interface LetterPage {
  letters: Letter[];
  /** How many fit the filter, on all pages. */
  total: number;
  /** Of those that fit the filter. */
  byCode: Record<string, number>;
  byFleet: Record<string, number>;
  byStatus: Partial<Record<LetterStatus, number>>;
  /** For the next page; null on the last one. */
  next: string | null;
  /** In words, where the dead-letter queue could not be looked at whole; null otherwise. */
  incomplete: string | null;
  /** When queue and records were looked at. */
  asOf: string;
}
