import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import * as z from 'zod';
import type { Ca } from '../../certificates/ca/ca.js';
import type { DeviceRecord } from '../../device/record.js';
import { mostNewKeys } from '../../device/request.js';
import { hasPendingChange, operationOf, pendingWork, stateOf } from '../../device/state.js';
import { viewOf } from '../../device/view.js';
import { type Acceptance, whyConflict } from '../../provisioning/accept.js';
import { expectedAt } from '../../provisioning/expectedAt.js';
import { jsonText, oneLine } from '../../shared/printable.js';
import { operation, state, time } from '../../shared/schemas.js';
import { type Clock, type EpochMs, iso } from '../../shared/time.js';
import type { RateLimiter } from '../../throttling/rateLimiter.js';
import { prefersJson } from '../accept.js';
import { problem } from '../problem.js';

/** The body of a 202 response. */
export const acceptedAnswer = z
  .object({
    requestId: z.string(),
    uuid: z.string(),
    operation,
    state,
    expectedAt: time,
    message: z.string().describe('a sentence for readers'),
  })
  .meta({ id: 'Accepted' });

/** Makes the HTTP response to a request from the outcome of `accept`. */
export async function answerAccepted(
  deps: { rateLimiter: RateLimiter; clock: Clock; ca: Pick<Ca, 'chainOf'> },
  request: HttpRequest,
  acceptance: Acceptance,
): Promise<HttpResponseInit> {
  const { record } = acceptance;
  if (acceptance.kind === 'unproved') throw new Error('unreachable: the proof was demanded before');
  if (acceptance.kind === 'accepted') return accepted(deps, record, await expectedAt(deps, record));
  if (acceptance.kind === 'checking') {
    const work = pendingWork(record);
    // Most checks need no registry operation, and do not wait for one.
    const needsOperation = work?.reservation !== undefined;
    return accepted(deps, record, needsOperation ? await expectedAt(deps, record) : (work?.due ?? 0));
  }
  if (acceptance.kind === 'already-provisioned')
    return record.desired.own ? stateAnswer(deps, record, null) : alreadyProvisioned(request, record);
  if (acceptance.kind === 'revoked') return revoked();
  const at = new Date(acceptance.retryAt).toISOString();
  const headers = {
    'retry-after': String(Math.max(1, Math.ceil((acceptance.retryAt - deps.clock.now()) / 1_000))),
  };
  if (acceptance.kind === 'service-conflict') {
    return problem({
      status: 409,
      code: 'service-conflict',
      detail: `${whyConflict(record)} Do two services of this device request the credentials? Repeat the request after ${at}.`,
      headers,
      more: { service: record.desired.service, retryAt: at },
    });
  }
  if (acceptance.kind === 'too-many-keys') {
    return problem({
      status: 429,
      code: 'provision.too-many-keys',
      detail: `The device has requested ${mostNewKeys} other keys within half an hour: does it lose its volume? Repeat the request after ${at}.`,
      headers,
      more: { retryAt: at },
    });
  }
  const { error } = record;
  return problem({
    status: 422,
    code: error?.code ?? 'unexpected',
    detail: `${error?.message ?? 'The request failed.'} A new request is possible after ${at}.`,
    headers,
    more: { step: error?.step ?? null, retryAt: at, requestId: record.desired.requestId },
  });
}

function revoked(): HttpResponseInit {
  const detail =
    'An operator has revoked the key of this request. Make a new key, and request with the new key.';
  return problem({ status: 422, code: 'certificate-revoked', detail });
}

/** The answer with the record of a device. @param expectedMs see `viewOf` */
export function stateAnswer(
  { clock, ca }: { clock: Clock; ca: Pick<Ca, 'chainOf'> },
  record: DeviceRecord,
  expectedMs: EpochMs | null,
): HttpResponseInit {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: jsonText(viewOf(record, expectedMs, clock.now(), ca.chainOf)),
  };
}

function accepted({ clock }: { clock: Clock }, record: DeviceRecord, expectedMs: EpochMs): HttpResponseInit {
  const now = clock.now();
  const expected = Math.max(expectedMs, now);
  const { uuid, desired } = record;
  const at = iso(expected);
  const answer: z.infer<typeof acceptedAnswer> = {
    requestId: desired.requestId,
    uuid,
    operation: operationOf(record),
    state: stateOf(record, now),
    expectedAt: at,
    message: `${progressOf(record)} Expected at ${at}. Read the state at /api/provision/${uuid}.`,
  };
  return {
    status: 202,
    headers: {
      location: `/api/provision/${uuid}`,
      'retry-after': String(Math.max(1, Math.ceil((expected - now) / 1_000))),
      'content-type': 'application/json',
    },
    body: jsonText(answer),
  };
}

function progressOf(record: DeviceRecord): string {
  if (hasPendingChange(record))
    return `Accepted, not yet ${record.desired.present ? 'provisioned' : 'deprovisioned'}.`;
  return record.desired.own
    ? 'The hub accepted the certificate before. A worker checks the device.'
    : 'The device was provisioned before. A worker checks its variables in balena, and repairs them.';
}

/** Cloud Relay recognizes the error by the first word of the text, and then makes the supervisor refresh the variables. */
function alreadyProvisioned({ headers }: HttpRequest, { uuid, desired }: DeviceRecord): HttpResponseInit {
  const where = desired.service === '' ? 'as device variables' : `for its service "${desired.service}"`;
  const detail = `The device ${uuid} is already provisioned: AZURE_CERT and AZURE_PRIVATE_KEY are stored in balena ${where}.`;
  if (prefersJson(headers.get('accept'))) {
    return problem({
      status: 409,
      code: 'DeviceAlreadyExistsError',
      detail,
      more: { service: desired.service },
    });
  }
  return {
    status: 409,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: oneLine(`DeviceAlreadyExistsError: ${detail}`),
  };
}
