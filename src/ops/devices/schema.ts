import { z } from 'zod';
import { deviceView } from '../../device/view.js';
import { count, next, operation, service, state, step, time } from '../../shared/schemas.js';

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

/** One device, with what happened to it, the oldest first. */
export const deviceHistory = z
  .object({
    device: deviceView.extend({
      fleet: z.string().nullable(),
      replays: count,
      firstSeenAt: time,
      completedAt: time.nullable(),
      dueAt: time.nullable().describe('when the work that is owed is due; null if none is'),
      hub: z.enum(['unknown', 'none', 'exists', 'accepts-certificate', 'accepts-other']),
      replayable: z.boolean(),
      discarded: z.object({ at: time, by: z.string(), reason: z.string() }).nullable(),
    }),
    history: z.array(
      z.object({
        at: time,
        type: z.enum(['requested', 'waited', 'ran', 'died', 'replayed', 'cancelled', 'discarded']),
        note: z.string().describe('one sentence'),
        steps: z
          .array(z.object({ step, ms: z.number(), code: z.string().nullable() }))
          .optional()
          .describe('of a run; the waiting for a registry slot is in the time of the step'),
      }),
    ),
  })
  .meta({ id: 'DeviceStory' });

export type DeviceHistory = z.infer<typeof deviceHistory>;
