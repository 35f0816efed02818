import type { DeviceRecord, Job } from '../../../src/device/record.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { now, provisioned, recordWith, requestId, thumbprint, uuid } from '../../support/records.js';
import type { JobState } from './jobState.js';

/** Records and arguments for the tests of the transitions. */

export const minutes = 60_000;
export const error = new ProvisioningError('service-not-found', 'No such service.', { step: 'validate' });
export const steps = [{ step: 'validate', ms: 5, code: null }] as const;
export const context = { now, traceparent: '00-caller' };
export const other = 'B'.repeat(64);

export const job: Job = { generation: 7, due: now - 1_000, traceparent: '00-first' };
export const lease = { by: 'worker', until: now + minutes, generation: 0, lateUntil: now + 2 * minutes };
/** A check after a pending or a dead job. */
export const laterCheck = { generation: 8, due: now };
export const place = (turn: number) => ({ lane: 'org/one', turn });
export const base = recordWith({
  lastGeneration: 7,
  firstGeneration: 5,
  attempts: 2,
  retries: 3,
  replays: 1,
});

/** One record in each state of docs/protocol.md, and variants for single transitions. */
export const samples: Record<JobState, DeviceRecord[]> = {
  idle: [
    { ...provisioned, lastGeneration: 7 },
    { ...base, error: { code: 'timed-out', step: null, message: 'No answer.', at: now - 1 } },
  ],
  pending: [
    { ...base, job },
    { ...base, check: { ...job, forceVerify: true, reservation: place(3), unsent: true } },
    { ...provisioned, check: { ...job }, lastGeneration: 7 },
    { ...base, job, check: laterCheck },
    { ...base, job, late: { until: now + minutes, scopes: ['relay'] } },
    { ...base, job: { ...job, dead: { at: now - 1 } }, check: laterCheck, lastGeneration: 8 },
    {
      ...base,
      job: { ...job, dead: { at: now - 1, cancelled: true } },
      check: laterCheck,
      lastGeneration: 8,
    },
    {
      ...provisioned,
      job,
      lastGeneration: 7,
      desired: { ...provisioned.desired, retire: [thumbprint] },
      action: { id: 'rotation', error: null, previous: {} },
    },
  ],
  working: [
    { ...base, job, lease },
    { ...base, check: { ...job }, lease },
    { ...base, job: { ...job, dead: { at: now - 1 } }, check: laterCheck, lease, lastGeneration: 8 },
  ],
  abandoned: [
    { ...base, job, lease: { by: 'worker', until: now, generation: 0, lateUntil: now } },
    { ...base, check: { ...job }, lease: { by: 'worker', until: now, generation: 0, lateUntil: now } },
    { ...base, job, lease: { ...lease, unresolved: true } },
  ],
  dead: [
    { ...base, job: { ...job, dead: { at: now - 1 } }, failures: 1 },
    { ...base, job: { ...job, dead: { at: now - 1, cancelled: true } } },
    { ...base, job: { ...job, dead: { at: now - 1 } }, lease },
  ],
  discarded: [
    { ...base, job: { ...job, dead: { at: now - 2, discarded: { at: now - 1, by: 'me', reason: 'x' } } } },
  ],
};

export const findings = {
  observed: { ...provisioned.observed, fleet: 'org/fleet' },
  clearedScopes: new Set(['relay']),
  outcomeUnknown: false,
  desired: provisioned.desired,
  validated: false,
};
export const failure = { error, counted: true, steps };
export const lost = { uuid, requestId, generation: 9, operation: 'provision', service: 'main' } as const;

/** The message of the job of a record. */
export function messageOf({ desired, job: its }: DeviceRecord) {
  return { requestId: desired.requestId, generation: its?.generation ?? null };
}
