import * as z from 'zod';
import { count, service, step, time } from '../../shared/schemas.js';

/** Something that has just happened. */
export const activityEvent = z
  .object({
    at: time,
    type: z.enum(['requested', 'provisioned', 'deprovisioned', 'failed', 'action-started', 'action-ended']),
    uuid: z.string().nullable().describe('null for a bulk action, and for an unreadable dead letter'),
    action: z.string().nullable().describe('the id of the bulk action'),
    fleet: z.string().nullable(),
    service: service.nullable(),
    code: z.string().nullable(),
    step: step.nullable(),
    text: z.string().describe('one sentence'),
  })
  .meta({ id: 'ActivityEvent' });

export type ActivityEvent = z.infer<typeof activityEvent>;

export const activity = z
  .object({
    events: z.array(activityEvent).describe('the newest first'),
    minutes: count.describe('the events are not older'),
    more: z.boolean().describe('true if there are more events in these minutes'),
    asOf: time,
  })
  .meta({ id: 'Activity' });

export type Activity = z.infer<typeof activity>;
