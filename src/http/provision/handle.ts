import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import { type Refusal, RefusedCertificate, readOwnCertificate } from '../../certificates/own.js';
import type { DeviceRequest } from '../../device/request.js';
import { type AcceptDependencies, accept } from '../../provisioning/accept.js';
import { refuseIfLineIsFull } from '../../provisioning/lookUp.js';
import type { BalenaLimit } from '../../throttling/balenaLimit.js';
import type { RateLimiter } from '../../throttling/rateLimiter.js';
import { BadRequest } from '../errors.js';
import type { Proof } from '../proof/deviceProof.js';
import { answerAccepted } from './answer.js';
import { type ProvisionRequest, parseProvision } from './parse.js';

/** Everything that a request for provisioning uses. */
export interface ProvisionDependencies extends AcceptDependencies {
  rateLimiter: RateLimiter;
  balenaLimit: Pick<BalenaLimit, 'nextFree'>;
  proof: Proof;
  /** `defaultService`: for a request without a service; `certificate.days`: the longest lifetime of a certificate. */
  config: { defaultService: string; certificate: { days: number } };
}

/**
 * Answers `POST /api/provision`: a request for an issued key, or the certificate of an own key. A request about an own key needs the proof of the
 * device, whatever DEVICE_PROOF says: the request decides who may be on the hub.
 *
 * @throws BadRequest `provision.request.…`; the errors of `Proof`, `refuseIfLineIsFull` and `accept`
 */
export async function answerProvision(
  deps: ProvisionDependencies,
  request: HttpRequest,
): Promise<HttpResponseInit> {
  const parsed = await parseProvision(request, false);
  const wanted = requestOf(deps, parsed);
  const authorization = request.headers.get('authorization');
  const isProved = await deps.proof(parsed.uuid, authorization, wanted.own && 'always');
  if (!isProved) await refuseIfLineIsFull(deps, parsed.uuid);
  const acceptance = await accept(deps, wanted, isProved);
  if (acceptance.kind !== 'unproved') return answerAccepted(deps, request, acceptance);
  await deps.proof(parsed.uuid, authorization, 'always');
  return answerAccepted(deps, request, await accept(deps, wanted, true));
}

/** @throws BadRequest if the certificate is refused */
function requestOf(
  { config, clock }: ProvisionDependencies,
  { uuid, service = config.defaultService, certificate, uses }: ProvisionRequest,
): DeviceRequest & { present: true } {
  if (certificate === undefined) return { uuid, present: true, service };
  try {
    const rules = { uuid, now: clock.now(), days: config.certificate.days };
    return { uuid, present: true, service: null, own: { ...readOwnCertificate(certificate, rules), uses } };
  } catch (error) {
    if (error instanceof RefusedCertificate) throw badCertificate(error);
    throw error;
  }
}

const formFaults: Partial<Record<Refusal, string>> = {
  unreadable: 'bad-certificate',
  'too-large': 'certificate-too-large',
  'with-key': 'certificate-with-key',
};

function badCertificate({ reason, message }: RefusedCertificate): BadRequest {
  const formFault = formFaults[reason];
  return formFault
    ? new BadRequest(`provision.request.${formFault}`, message)
    : new BadRequest(`provision.request.certificate-${reason}`, message, 422);
}
