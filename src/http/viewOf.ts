import type { DeviceRecord } from '../record/DeviceRecord.js';
import { live } from '../record/live.js';
import { operationOf } from '../record/operationOf.js';
import { stateOf } from '../record/stateOf.js';

/** A record as the API shows it. Times are ISO 8601. */
export function viewOf(record: DeviceRecord, expectedAt: number | null, now: number) {
  const { uuid, desired, observed, ticket, error, attempts } = record;
  const { thumbprint, notBefore, notAfter, keyAlgorithm } = observed;
  return {
    uuid,
    service: desired.present ? desired.service : null,
    operation: operationOf(record),
    state: stateOf(record, now),
    requestId: desired.requestId,
    step: error?.step ?? null,
    attempts,
    expectedAt: live(ticket) && ticket.kind === 'change' ? iso(expectedAt) : null,
    error: error && { code: error.code, step: error.step, message: error.message },
    certificate:
      thumbprint === null
        ? null
        : { thumbprint, notBefore: iso(notBefore), notAfter: iso(notAfter), keyAlgorithm },
    requestedAt: iso(desired.requestedAt),
    updatedAt: iso(record.updatedAt),
  };
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
