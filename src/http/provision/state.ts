import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { Ca } from '../../certificates/ca/ca.js';
import type { Records } from '../../device/repository.js';
import { expectedAt } from '../../provisioning/expectedAt.js';
import type { Clock } from '../../shared/time.js';
import type { RateLimiter } from '../../throttling/rateLimiter.js';
import { BadRequest } from '../errors.js';
import { problem } from '../problem.js';
import type { Proof } from '../proof/deviceProof.js';
import type { RequestLimit } from '../requestLimit.js';
import { stateAnswer } from './answer.js';
import { parseUuidInPath } from './parse.js';

/** Everything that the answer needs. */
export interface StateDependencies {
  records: Records;
  rateLimiter: RateLimiter;
  clock: Clock;
  proof: Proof;
  ca: Pick<Ca, 'chainOf'>;
  /** Records are used at a turn of the limit. Proofs are checked outside: they have a limit of their own. */
  limit: Pick<RequestLimit, 'run' | 'outside'>;
}

/**
 * Answers with the record of a device, or with 404 if the device was never requested. The proof comes first: without it, nobody learns
 * which devices exist.
 *
 * @throws BadRequest `provision.request.bad-uuid`; TooBusy; the errors of `Proof`
 */
export async function answerState(deps: StateDependencies, request: HttpRequest): Promise<HttpResponseInit> {
  const uuid = parseUuidInPath(request);
  if (!uuid) {
    throw new BadRequest(
      'provision.request.bad-uuid',
      'Name the device in the path: GET /api/provision/<uuid>',
    );
  }
  await deps.limit.outside(() => deps.proof(uuid, request.headers.get('authorization')));
  return deps.limit.run(() => answerStateAtTurn(deps, uuid));
}

async function answerStateAtTurn(deps: StateDependencies, uuid: string): Promise<HttpResponseInit> {
  const stored = await deps.records.read(uuid);
  if (!stored) {
    return problem({
      status: 404,
      code: 'provision.not-requested',
      detail: `No request was ever made for the device ${uuid}. Request credentials with POST /api/provision.`,
    });
  }
  const expected = await expectedAt(deps, stored.value);
  return stateAnswer(deps, stored.value, expected);
}
