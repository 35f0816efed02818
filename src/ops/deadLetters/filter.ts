import * as z from 'zod';
import { slug, step, uuid } from '../../shared/schemas.js';
import { type EpochMs, iso } from '../../shared/time.js';
import { parseWhen } from '../shared/request.js';
import { type DeadLetter, deadLetterStatuses } from './schema.js';

/** A point in time in a filter; see `parseWhen`. */
export const when = z.string().max(40);

/** Selects dead letters. A dead letter must match every field of the filter. */
export const deadLetterFilter = z.strictObject({
  code: z.string().max(100).optional(),
  step: step.optional(),
  fleet: slug.optional(),
  uuid: uuid.optional(),
  since: when.optional().describe('failed since: ISO 8601, or a duration before now such as 30m, 2h, 7d'),
  until: when.optional().describe('failed before: ISO 8601, or a duration before now such as 30m, 2h, 7d'),
  status: z.enum(deadLetterStatuses).optional(),
  sequenceNumber: z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .optional()
    .describe('of one message in the dead-letter queue'),
});

export type DeadLetterFilter = z.infer<typeof deadLetterFilter>;

/**
 * Makes the test whether a dead letter matches a filter.
 *
 * @param now the reference for durations in the filter
 * @throws RequestError `ops.bad-filter` if a time in the filter is invalid
 */
export function matchDeadLetter(filter: DeadLetterFilter, now: EpochMs): (deadLetter: DeadLetter) => boolean {
  const { since, until, ...exact } = filter;
  const from = since === undefined ? null : iso(parseWhen('since', since, now));
  const to = until === undefined ? null : iso(parseWhen('until', until, now));
  const conditions = Object.entries(exact).filter(([, value]) => value !== undefined);
  return (deadLetter) =>
    conditions.every(([name, value]) => deadLetter[name as keyof typeof exact] === value) &&
    (from === null || deadLetter.failedAt >= from) &&
    (to === null || deadLetter.failedAt < to);
}
