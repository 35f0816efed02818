import { z } from 'zod';
import { count, next, operation, service, state, step, time } from '../shapes.js';

/** One record in a list. */
export const recordLine = z
  .object({
    uuid: z.string(),
    state,
    operation,
    service: service.nullable(),
    fleet: z.string().nullable(),
    code: z.string().nullable(),
    step: step.nullable(),
    message: z.string().nullable(),
    attempts: count,
    replays: count,
    requestedAt: time,
    completedAt: time.nullable(),
    dueAt: time.nullable().describe('when the work that is owed is due; null if none is'),
    certificateExpiresAt: time.nullable(),
  })
  .meta({ id: 'RecordLine' });

export type RecordLine = z.infer<typeof recordLine>;

export const recordPage = z
  .object({
    records: z.array(recordLine),
    total: count.describe('how many fit the filter, on all pages'),
    byState: z.partialRecord(state, count),
    next,
    asOf: time,
  })
  .meta({ id: 'RecordPage' });

export type RecordPage = z.infer<typeof recordPage>;
