import * as z from 'zod';
import { deviceView } from '../../device/view.js';
import {
  count,
  errorCode,
  keyKind,
  next,
  operation,
  service,
  state,
  step,
  time,
} from '../../shared/schemas.js';
import { waiting } from './waiting.js';

/** A device record as a line of a list. */
export const recordLine = z
  .object({
    uuid: z.string(),
    state,
    lastCheck: z
      .enum(['failed'])
      .nullable()
      .describe('failed: the last check failed, or is failing, whatever the state; otherwise null'),
    operation,
    service: service.nullable(),
    key: keyKind.nullable(),
    fleet: z.string().nullable(),
    code: errorCode.nullable(),
    step: step.nullable(),
    message: z.string().nullable(),
    refused: z
      .boolean()
      .describe(
        'the last request was refused, and the device stays in its state; without another error, `code` is that of the refusal',
      ),
    attempts: count,
    replays: count,
    requestedAt: time,
    completedAt: time.nullable(),
    dueAt: time.nullable().describe('when the pending job is due; null without a pending job'),
    certificateExpiresAt: time.nullable(),
  })
  .meta({ id: 'RecordLine' });

export type RecordLine = z.infer<typeof recordLine>;

export const recordPage = z
  .object({
    records: z.array(recordLine),
    total: count.describe('matches of the filter, on all pages'),
    byState: z.partialRecord(state, count),
    next,
    asOf: time,
  })
  .meta({ id: 'RecordPage' });

export type RecordPage = z.infer<typeof recordPage>;

/** A device with the events of the device's history, the oldest first. */
export const deviceHistory = z
  .object({
    device: deviceView.extend({
      fleet: z.string().nullable(),
      replays: count,
      firstSeenAt: time,
      completedAt: time.nullable(),
      dueAt: time.nullable().describe('when the pending job is due; null without a pending job'),
      hub: z.enum(['unknown', 'none', 'exists', 'accepts-certificate', 'accepts-other']),
      waiting: waiting.nullable().describe('why the pending work is not done yet; null without pending work'),
      replayable: z.boolean(),
      discarded: z.object({ at: time, by: z.string(), reason: z.string() }).nullable(),
    }),
    history: z.array(
      z.object({
        at: time,
        type: z.enum(['requested', 'waited', 'ran', 'died', 'replayed', 'cancelled', 'discarded']),
        note: z.string().describe('one sentence'),
        steps: z
          .array(z.object({ step, ms: z.number(), code: errorCode.nullable() }))
          .optional()
          .describe(
            'the steps of a run; the duration of a step includes the wait for a reservation of the rate limiter',
          ),
      }),
    ),
  })
  .meta({ id: 'DeviceHistory' });

export type DeviceHistory = z.infer<typeof deviceHistory>;
