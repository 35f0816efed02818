import { z } from 'zod';
import { count, operation, service, state, step, time } from '../shared/schemas.js';
import { iso, isoOrNull } from '../shared/time.js';
import type { DeviceRecord } from './record.js';
import { isPending, operationOf, stateOf } from './state.js';

/** A record as the API shows it. */
export const deviceView = z
  .object({
    uuid: z.string(),
    service: service.nullable().describe('null when it is to be absent'),
    operation,
    state,
    requestId: z.string(),
    step: step.nullable().describe('at which it failed last'),
    attempts: count,
    expectedAt: time.nullable(),
    error: z.object({ code: z.string(), step: step.nullable(), message: z.string() }).nullable(),
    certificate: z
      .object({
        thumbprint: z.string(),
        notBefore: time.nullable(),
        notAfter: time.nullable(),
        keyAlgorithm: z.string().nullable(),
      })
      .nullable(),
    requestedAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Device' });

export type DeviceView = z.infer<typeof deviceView>;

/** @param expectedAt Unix ms; null if it is not known */
export function viewOf(record: DeviceRecord, expectedAt: number | null, now: number): DeviceView {
  const { uuid, desired, observed, job, error, attempts } = record;
  const { thumbprint, notBefore, notAfter, keyAlgorithm } = observed;
  return {
    uuid,
    service: desired.present ? desired.service : null,
    operation: operationOf(record),
    state: stateOf(record, now),
    requestId: desired.requestId,
    step: error?.step ?? null,
    attempts,
    expectedAt: isPending(job) && job.kind === 'change' ? isoOrNull(expectedAt) : null,
    error: error && { code: error.code, step: error.step, message: error.message },
    certificate:
      thumbprint === null
        ? null
        : { thumbprint, notBefore: isoOrNull(notBefore), notAfter: isoOrNull(notAfter), keyAlgorithm },
    requestedAt: iso(desired.requestedAt),
    updatedAt: iso(record.updatedAt),
  };
}
