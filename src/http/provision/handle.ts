import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { Ca } from '../../certificates/ca/ca.js';
import { RefusedCsr, readCsr } from '../../certificates/csr.js';
import { RefusedCertificate, readOwnCertificate } from '../../certificates/own.js';
import type { DeviceRequest, RequestedOwnKey } from '../../device/request.js';
import { type AcceptDependencies, accept } from '../../provisioning/accept.js';
import { refuseIfLineIsFull } from '../../provisioning/lookUp.js';
import type { BalenaLimit } from '../../throttling/balenaLimit.js';
import type { RateLimiter } from '../../throttling/rateLimiter.js';
import { BadRequest } from '../errors.js';
import type { Proof } from '../proof/deviceProof.js';
import type { RequestLimit } from '../requestLimit.js';
import { answerAccepted } from './answer.js';
import { type ProvisionRequest, parseProvision } from './parse.js';

/** Everything that a request for provisioning uses. */
export interface ProvisionDependencies extends AcceptDependencies {
  rateLimiter: RateLimiter;
  balenaLimit: Pick<BalenaLimit, 'nextFree'>;
  proof: Proof;
  /** `defaultService`: for a request without a service; `certificate.days`: the longest lifetime of a certificate. */
  config: { defaultService: string; certificate: { days: number }; renewAt: number; ca: object | null };
  ca: Pick<Ca, 'chainOf'>;
  /** Records and queue are used at a turn of the limit. Proofs are checked outside: they have a limit of their own. */
  limit: Pick<RequestLimit, 'run' | 'outside'>;
}

/**
 * Answers `POST /api/provision`: a request for an issued key, or the certificate of an own key. A request about an own key needs the proof of the
 * device, whatever DEVICE_PROOF says: the request decides who may be on the hub.
 *
 * @throws BadRequest `provision.request.…`; TooBusy; the errors of `Proof`, `refuseIfLineIsFull` and `accept`
 */
export async function answerProvision(
  deps: ProvisionDependencies,
  request: HttpRequest,
): Promise<HttpResponseInit> {
  const parsed = await parseProvision(request, false);
  const wanted = await requestOf(deps, parsed);
  const authorization = request.headers.get('authorization');
  const prove = (whatever: 'always' | undefined) =>
    deps.limit.outside(() => deps.proof(parsed.uuid, authorization, whatever));
  const isProved = await prove(wanted.own && 'always');
  const acceptAtTurn = (proved: boolean) =>
    deps.limit.run(async () => {
      if (!proved) await refuseIfLineIsFull(deps, parsed.uuid);
      return accept(deps, wanted, proved);
    });
  let acceptance = await acceptAtTurn(isProved);
  if (acceptance.kind === 'unproved') {
    await prove('always');
    acceptance = await acceptAtTurn(true);
  }
  return answerAccepted(deps, request, acceptance);
}

/** @throws BadRequest if the certificate or the certificate request is refused */
async function requestOf(
  deps: ProvisionDependencies,
  parsed: ProvisionRequest,
): Promise<DeviceRequest & { present: true }> {
  const { uuid, service = deps.config.defaultService } = parsed;
  const own = await ownKeyOf(deps, parsed);
  return own ? { uuid, present: true, service: null, own } : { uuid, present: true, service };
}

/** @returns undefined for a request for an issued key */
async function ownKeyOf(
  { config, clock }: ProvisionDependencies,
  { uuid, certificate, csr, uses }: ProvisionRequest,
): Promise<RequestedOwnKey | undefined> {
  const at = clock.now();
  try {
    if (certificate !== undefined)
      return { ...readOwnCertificate(certificate, { uuid, now: at, days: config.certificate.days }), uses };
    if (csr === undefined) return undefined;
    if (!config.ca) throw noCa();
    return { ...(await readCsr(csr, uuid)), uses, renewal: { at, renewAt: config.renewAt } };
  } catch (error) {
    if (error instanceof RefusedCertificate) throw refused('certificate', error);
    if (error instanceof RefusedCsr) throw refused('csr', error);
    throw error;
  }
}

/** A fault of the form has the status 400, every other reason 422. */
function refused(
  what: 'certificate' | 'csr',
  { reason, message }: RefusedCertificate | RefusedCsr,
): BadRequest {
  if (reason === 'unreadable') return new BadRequest(`provision.request.bad-${what}`, message);
  const isOfForm = reason === 'too-large' || reason === 'with-key';
  return new BadRequest(`provision.request.${what}-${reason}`, message, isOfForm ? 400 : 422);
}

function noCa(): BadRequest {
  return new BadRequest(
    'provision.request.csr-not-offered',
    'No CA signs certificate requests here: the settings CA_CERTIFICATE and CA_KEY_VAULT_KEY are missing. A self-signed "certificate" works without a CA.',
    422,
  );
}
