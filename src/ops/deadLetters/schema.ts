import { z } from 'zod';
import { count, next, operation, service, step, time } from '../../shared/schemas.js';

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
export const deadLetterStatuses = [
  'failed',
  'quarantined',
  'cancelled',
  'discarded',
  'superseded',
  'owed',
  'no-record',
  'unreadable',
] as const;

export type DeadLetterStatus = (typeof deadLetterStatuses)[number];

/** One line of the list of dead letters: a failed request with its letter, or one of both alone. */
export const deadLetter = z
  .object({
    status: z.enum(deadLetterStatuses),
    uuid: z.string().nullable().describe('null where the letter cannot be read'),
    requestId: z.string().nullable(),
    sequenceNumber: z
      .string()
      .nullable()
      .describe('of the letter in the dead-letter queue; null if it was not found there'),
    operation: operation.nullable(),
    service: service.nullable(),
    fleet: z.string().nullable().describe('null where it was not seen yet'),
    code: z.string().describe('of its failure; of an unreadable letter, why it was dead-lettered'),
    step: step.nullable(),
    message: z.string().nullable(),
    attempts: count,
    replays: count,
    superseded: z.boolean(),
    firstSeenAt: time.nullable(),
    failedAt: time.describe('when it failed for good, or was dead-lettered'),
  })
  .meta({ id: 'Letter' });

export type DeadLetter = z.infer<typeof deadLetter>;

export const deadLetterPage = z
  .object({
    deadLetters: z.array(deadLetter),
    total: count.describe('how many fit the filter, on all pages'),
    byCode: z.record(z.string(), count),
    byFleet: z.record(z.string(), count),
    byStatus: z.partialRecord(z.enum(deadLetterStatuses), count),
    next,
    incomplete: z
      .string()
      .nullable()
      .describe('in words, where the dead-letter queue could not be looked at whole'),
    asOf: time.describe('when queue and records were looked at'),
  })
  .meta({ id: 'LetterPage' });

export type DeadLetterPage = z.infer<typeof deadLetterPage>;
