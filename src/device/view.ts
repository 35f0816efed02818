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
        issuer: z.enum(['self', 'ca']).describe('who has signed: the own key, or the CA'),
        pem: z
          .string()
          .nullable()
          .describe('the certificate, if the CA has signed it for the present request of the device'),
        chain: z
          .string()
          .nullable()
          .describe(
            "beside `pem`: the PEM of the CA's certificates; null if that CA is not configured any more",
          ),
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

/**
 * Makes the view of a record.
 *
 * @param expectedAt the moment at which the job is expected to be done; null if unknown
 * @param chainOf as in `Ca`; default: no chain is known
 */
export function viewOf(
  record: DeviceRecord,
  expectedAt: EpochMs | null,
  now: EpochMs,
  chainOf: (certificate: string) => string | null = () => null,
): DeviceView {
  const { uuid, desired, observed, job, error, attempts } = record;
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
    certificate: certificateOf(record, chainOf),
    hubHost: observed.hubHost ?? null,
    issuedUntil: isoOrNull(observed.issued?.until ?? null),
    requestedAt: iso(desired.requestedAt),
    updatedAt: iso(record.updatedAt),
  };
}

function certificateOf(
  { desired: { own }, observed }: DeviceRecord,
  chainOf: (certificate: string) => string | null,
): DeviceView['certificate'] {
  const { thumbprint, notBefore, notAfter, keyAlgorithm, issuer = 'self' } = observed;
  if (thumbprint === null) return null;
  // The certificate before has no text in the record any more.
  const signed = own?.thumbprint === thumbprint ? own.certificate : undefined;
  return {
    thumbprint,
    notBefore: isoOrNull(notBefore),
    notAfter: isoOrNull(notAfter),
    keyAlgorithm,
    issuer,
    pem: signed === undefined ? null : pemOf(signed),
    chain: signed === undefined ? null : chainOf(signed),
  };
}

/** The PEM of a certificate. @param der base64 */
function pemOf(der: string): string {
  const lines = der.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
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
