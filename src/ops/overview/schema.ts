import * as z from 'zod';
import { systemStatus } from '../../health/statusSchema.js';
import { count, errorCode, state, step, time } from '../../shared/schemas.js';

const depths = z.object({ active: count, scheduled: count, deadLettered: count });
export type Depths = z.infer<typeof depths>;

const sample = depths
  .extend({
    at: time,
    operations: count.describe('registry operations in the minute before'),
    provisioned: count.describe('devices in the minute before'),
    failed: count.describe('requests failed for good in the minute before'),
  })
  .meta({ id: 'Sample' });
export type Sample = z.infer<typeof sample>;

const dependencyStatus = z.object({ ok: z.boolean(), detail: z.string() });

/** The state of the whole system, for `watch` and the page. */
export const overview = z
  .object({
    at: time,
    status: systemStatus,
    queue: depths.extend({
      source: z
        .enum(['queue', 'records'])
        .describe('the queue, or, if the queue denies the numbers or does not answer, the records'),
      note: z.string().nullable().describe('the reason, if the numbers are from the records; else null'),
    }),
    states: z.record(state, count).describe('devices by state'),
    devices: count,
    failures: z
      .array(z.object({ code: errorCode, step: step.nullable(), failed: count, retrying: count }))
      .describe(
        'failed requests (without discarded requests) and retrying requests by cause, the most frequent first',
      ),
    failed: count.describe('requests that failed for good, and that an operator can replay or discard'),
    rateLimiter: z.object({
      limitPerMinute: z.number().describe("the hub's limit of registry operations"),
      lastMinute: count
        .nullable()
        .describe('registry operations in the last sampled minute; null before the second sample'),
      backlogDoneAt: time
        .nullable()
        .describe('when all devices are finished, at the measured rate; null without an estimate'),
    }),
    timing: z
      .object({ p50Seconds: z.number().nullable(), p95Seconds: z.number().nullable(), count })
      .describe('from request to provisioned, for the devices provisioned within the last hour'),
    history: z.array(sample).describe('one sample a minute of the last hour, the oldest first'),
    certificates: z.object({ expired: count, within7Days: count, within30Days: count, later: count }),
    dependencies: z
      .object({
        queue: dependencyStatus,
        worker: dependencyStatus,
        balena: dependencyStatus,
        hub: dependencyStatus,
      })
      .describe('balena and hub: as last seen by the workers'),
    recordsAsOf: time.describe('when the records were read'),
  })
  .meta({ id: 'Overview' });

export type Overview = z.infer<typeof overview>;
