import * as z from 'zod';
import { count, time } from '../shared/schemas.js';

/** The states of the whole system, the worst first. */
export const systemStates = ['stopped', 'throttled', 'attention', 'catching-up', 'healthy'] as const;
export type SystemState = (typeof systemStates)[number];

/** The kinds of incidents. The names are stable, for programs. */
export const incidentKinds = [
  'settings-wrong',
  'records-unavailable',
  'queue-unavailable',
  'worker-off',
  'worker-silent',
  'balena-stopped',
  'hub-stopped',
  'hub-throttled',
  'balena-throttled',
  'queue-throttled',
  'timers-silent',
  'ca-failing',
  'ca-near-expiry',
  'certificates-expired',
  'certificates-late',
  'requests-failed',
  'checks-failed',
] as const;
export type IncidentKind = (typeof incidentKinds)[number];

export const incident = z
  .object({
    kind: z.enum(incidentKinds),
    level: z
      .enum(['stopped', 'throttled', 'attention'])
      .describe(
        'stopped: no work gets done; throttled: work gets done slowly; attention: work gets done, and an operator is needed',
      ),
    what: z.string().describe('a sentence'),
    since: time.nullable(),
    todo: z.string().describe("the operator's next step"),
    runbook: z.string().describe('the section of docs/runbook.md'),
  })
  .meta({ id: 'Incident' });
export type Incident = z.infer<typeof incident>;

/** The state of the whole system. */
export const systemStatus = z
  .object({
    at: time,
    state: z.enum(systemStates).describe('the worst state that is true'),
    sentence: z.string().describe('the state in words, with times in UTC'),
    incidents: z.array(incident).describe('the worst first'),
    backlog: z.object({
      waiting: count
        .nullable()
        .describe('devices whose request is not finished; null if nothing can count them'),
      finishedPerMinute: count.nullable().describe('measured over the last minutes; null before that'),
      doneAt: time
        .nullable()
        .describe(
          'at the measured rate; null while nothing can be finished, and before the rate is measured',
        ),
    }),
  })
  .meta({ id: 'SystemStatus' });
export type SystemStatus = z.infer<typeof systemStatus>;
