import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { Records } from '../../device/repository.js';
import { viewOf } from '../../device/view.js';
import { expectedAt } from '../../provisioning/expectedAt.js';
import type { Clock } from '../../shared/time.js';
import type { RateLimiter } from '../../throttling/rateLimiter.js';
import { BadRequest } from '../errors.js';
import { problem } from '../problem.js';
import { parseUuidInPath } from './parse.js';

/** The record of a device as JSON; 404 if it was never asked for. */
export async function answerState(
  deps: { records: Records; rateLimiter: RateLimiter; clock: Clock },
  request: HttpRequest,
): Promise<HttpResponseInit> {
  const uuid = parseUuidInPath(request);
  if (!uuid) {
    throw new BadRequest(
      'provision.request.bad-uuid',
      'Name the device in the path: GET /api/provision/<uuid>',
    );
  }
  const found = await deps.records.read(uuid);
  if (!found) {
    return problem({
      status: 404,
      code: 'provision.not-requested',
      detail: `Nothing was ever asked for the device ${uuid}. POST to /api/provision asks for its credentials.`,
    });
  }
  const expected = await expectedAt(deps, found.value);
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(viewOf(found.value, expected, deps.clock.now())),
  };
}
