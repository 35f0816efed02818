import * as z from 'zod';
import { count, next, operation, service, step, time } from '../../shared/schemas.js';

/**
 * The status of a dead letter decides how an operator may handle the dead letter.
 *
 * - `failed`: the request failed for good. A replay or a discard is possible.
 * - `quarantined`: the request failed again after `maxReplays` replays. A replay must name the device or the message.
 * - `cancelled`: an operator cancelled the replay of the request. A replay is possible.
 * - `discarded`: an operator discarded the request. The redrive removes the message within minutes.
 * - `superseded`: the record has another job by now. The redrive removes the message within minutes.
 * - `pending`: the record still has a pending job. The redrive sends the message again.
 * - `no-record`: the message is readable, and the device has no record. A replay writes the record anew.
 * - `unreadable`: this version cannot read the message. A discard is possible.
 */
export const deadLetterStatuses = [
  'failed',
  'quarantined',
  'cancelled',
  'discarded',
  'superseded',
  'pending',
  'no-record',
  'unreadable',
] as const;

/** See `deadLetterStatuses`. */
export type DeadLetterStatus = (typeof deadLetterStatuses)[number];

/** A failed request together with the message in the dead-letter queue. Either may be missing. */
export const deadLetter = z
  .object({
    status: z.enum(deadLetterStatuses),
    uuid: z.string().nullable().describe('null if the message is unreadable'),
    requestId: z.string().nullable(),
    sequenceNumber: z
      .string()
      .nullable()
      .describe('of the message in the dead-letter queue; null if the queue has no such message'),
    operation: operation.nullable(),
    service: service.nullable(),
    fleet: z.string().nullable().describe('null if the fleet is not known yet'),
    code: z.string().describe('of the failure; of an unreadable message, the reason of the dead-lettering'),
    step: step.nullable(),
    message: z.string().nullable(),
    attempts: count,
    replays: count,
    superseded: z.boolean().describe('true if the record has another job by now'),
    firstSeenAt: time.nullable(),
    failedAt: time.describe(
      'when the request failed for good; without a failed record, when the message entered the queue',
    ),
  })
  .meta({ id: 'DeadLetter' });

export type DeadLetter = z.infer<typeof deadLetter>;

export const deadLetterPage = z
  .object({
    deadLetters: z.array(deadLetter),
    total: count.describe('matches of the filter, on all pages'),
    byCode: z.record(z.string(), count),
    byFleet: z.record(z.string(), count),
    byStatus: z.partialRecord(z.enum(deadLetterStatuses), count),
    next,
    incomplete: z
      .string()
      .nullable()
      .describe('a sentence, if the dead-letter queue could not be read to the end; else null'),
    asOf: time.describe('when queue and records were read'),
  })
  .meta({ id: 'DeadLetterPage' });

export type DeadLetterPage = z.infer<typeof deadLetterPage>;
