import { z } from 'zod';
import { deviceView } from '../http/viewOf.js';
import { count, step, time } from '../shapes.js';

/** One device, with what happened to it, the oldest first. */
export const deviceStory = z
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
    story: z.array(
      z.object({
        at: time,
        what: z.enum(['asked', 'waited', 'ran', 'died', 'replayed', 'cancelled', 'discarded']),
        note: z.string().describe('one sentence'),
        steps: z
          .array(z.object({ step, ms: z.number(), code: z.string().nullable() }))
          .optional()
          .describe('of a run; the waiting for a registry slot is in the time of the step'),
      }),
    ),
  })
  .meta({ id: 'DeviceStory' });

export type DeviceStory = z.infer<typeof deviceStory>;
