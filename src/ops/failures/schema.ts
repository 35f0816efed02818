import * as z from 'zod';
import { count, step, time } from '../../shared/schemas.js';

/** Failures with the same cause, step and fleet. */
export const failureGroup = z
  .object({
    code: z
      .string()
      .describe('of the failure; of an unreadable dead letter, the reason of the dead-lettering'),
    step: step.nullable(),
    fleet: z.string().nullable().describe('null if the fleet is not known yet'),
    failed: count.describe('requests that failed for good, without discarded requests'),
    deadLetters: count.describe('of these, requests that a replay or a discard can take'),
    replayed: count.describe('of these, requests that failed again after a replay'),
    retrying: count.describe('requests that are tried again automatically'),
    checksFailed: count.describe('devices whose last check failed'),
    since: time
      .nullable()
      .describe(
        'when the first of these requests failed for good; without such a request, when the oldest request was made',
      ),
    latest: time.nullable().describe('when the last of these requests failed for good'),
    message: z.string().nullable().describe('the message of one of these failures'),
    services: z
      .array(z.string())
      .describe("the requested services, the most frequent first; '' for the device level"),
    advice: z.string().describe("the operator's next step"),
    runbook: z
      .string()
      .nullable()
      .describe('the section of docs/runbook.md, as the part of its address after #'),
  })
  .meta({ id: 'FailureGroup' });

export type FailureGroup = z.infer<typeof failureGroup>;

export const failureGroups = z
  .object({
    groups: z.array(failureGroup).describe('the largest group first; at most 200 groups'),
    total: count.describe('all groups'),
    incomplete: z.string().nullable().describe('a sentence, if not all dead letters could be read'),
    asOf: time,
  })
  .meta({ id: 'FailureGroups' });

export type FailureGroups = z.infer<typeof failureGroups>;
