import { z } from 'zod';
import { count, state, step, time } from '../../shared/schemas.js';

const depths = z.object({ active: count, scheduled: count, deadLettered: count });
export type Depths = z.infer<typeof depths>;

const sample = depths
  .extend({
    at: time,
    operations: count.describe('registry operations in the minute before'),
    provisioned: count.describe('in the minute before'),
    failed: count.describe('for good, in the minute before'),
  })
  .meta({ id: 'Sample' });
export type Sample = z.infer<typeof sample>;

const seen = z.object({ ok: z.boolean(), detail: z.string() });

/** What the system is at, for `watch` and the page. */
export const overview = z
  .object({
    at: time,
    queue: depths.extend({
      source: z
        .enum(['queue', 'records'])
        .describe('the queue itself, or, if it may not be asked, the records'),
      note: z.string().nullable().describe("in words, why they are not the queue's own"),
    }),
    states: z.record(state, count).describe('devices by the state of their request'),
    devices: count,
    failures: z
      .array(z.object({ code: z.string(), step: step.nullable(), failed: count, retrying: count }))
      .describe(
        'failed requests (not discarded) and what is being retried, by cause, the most frequent first',
      ),
    rateLimiter: z.object({
      limitPerMinute: z.number().describe("the hub's limit of registry operations"),
      lastMinute: count
        .nullable()
        .describe('in the last full minute that was sampled; null before there is one'),
      backlogDoneAt: time
        .nullable()
        .describe('when all that waits now will have been registered; null if nothing waits'),
    }),
    timing: z
      .object({ p50Seconds: z.number().nullable(), p95Seconds: z.number().nullable(), count })
      .describe('from the request to provisioned, of those provisioned within the last hour'),
    history: z.array(sample).describe('one sample a minute, the oldest first, of the last hour'),
    certificates: z.object({ expired: count, within7Days: count, within30Days: count, later: count }),
    dependencies: z.object({ balena: seen, hub: seen }).describe('as the workers last saw them'),
    recordsAsOf: time.describe('when the records were looked at'),
  })
  .meta({ id: 'Overview' });

export type Overview = z.infer<typeof overview>;
