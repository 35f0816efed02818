import * as z from 'zod';
import { count, errorCode, keyKind, operation, service, state, step, time } from '../shared/schemas.js';
import { type EpochMs, iso, isoOrNull } from '../shared/time.js';
import type { DeviceRecord } from './record.js';
import { refusedPart } from './refusal.js';
import { isPending, keyKindOf, operationOf, stateOf } from './state.js';

const failure = z.object({ code: errorCode, step: step.nullable(), message: z.string() });

/** The view of a record in the HTTP API. */
export const deviceView = z
  .object({
    uuid: z.string(),
    service: service.nullable().describe('null if the device should be deprovisioned, or has an own key'),
    key: keyKind.nullable(),
    operation,
    state,
    requestId: z.string(),
    step: step.nullable().describe('the step of the last failure'),
    attempts: count,
    expectedAt: time.nullable(),
    error: failure.nullable(),
    refusal: z
      .object({
        requestId: z.string(),
        service: service.nullable(),
        error: failure,
        at: time,
        retryAt: time.describe('the same request is answered with 422 before this time'),
      })
      .nullable()
      .describe('the last refused request: the device stays in the state from before'),
    certificate: z
      .object({
        thumbprint: z.string(),
        notBefore: time.nullable(),
        notAfter: time.nullable(),
        keyAlgorithm: z.string().nullable(),
      })
      .nullable(),
    hubHost: z.string().nullable().describe('the host name of the hub; null before the first contact'),
    issuedUntil: time
      .nullable()
      .describe(
        'an issued certificate and its variables stay beside an own key until this time at the longest',
      ),
    requestedAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Device' });

export type DeviceView = z.infer<typeof deviceView>;

/** Makes the view of a record. @param expectedAt the moment at which the job is expected to be done; null if unknown */
export function viewOf(record: DeviceRecord, expectedAt: EpochMs | null, now: EpochMs): DeviceView {
  const { uuid, desired, observed, job, error, attempts } = record;
  const { thumbprint, notBefore, notAfter, keyAlgorithm } = observed;
  return {
    uuid,
    service: desired.present ? desired.service : null,
    key: keyKindOf(desired),
    operation: operationOf(record),
    state: stateOf(record, now),
    requestId: desired.requestId,
    step: error?.step ?? null,
    attempts,
    expectedAt: isPending(job) ? isoOrNull(expectedAt) : null,
    error: failureOf(record),
    refusal: refusalOf(record),
    certificate:
      thumbprint === null
        ? null
        : { thumbprint, notBefore: isoOrNull(notBefore), notAfter: isoOrNull(notAfter), keyAlgorithm },
    hubHost: observed.hubHost ?? null,
    issuedUntil: isoOrNull(observed.issued?.until ?? null),
    requestedAt: iso(desired.requestedAt),
    updatedAt: iso(record.updatedAt),
  };
}

function failureOf({ error }: DeviceRecord): DeviceView['error'] {
  return error && { code: error.code, step: error.step, message: error.message };
}

function refusalOf(record: DeviceRecord): DeviceView['refusal'] {
  const refused = refusedPart(record);
  const error = refused && failureOf(refused);
  if (!error) return null;
  const { desired, job, coolDownUntil } = refused;
  const { requestId, service } = desired;
  return {
    requestId,
    service,
    error,
    at: iso(job?.dead?.at ?? 0),
    retryAt: iso(coolDownUntil),
  };
}
