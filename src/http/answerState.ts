import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { Clock } from '../clock.js';
import type { Pace } from '../pace/Pace.js';
import type { Records } from '../records.js';
import { BadRequest } from './BadRequest.js';
import { expectedAt } from './expectedAt.js';
import { parseUuidInPath } from './parseProvision.js';
import { problem } from './problem.js';
import { viewOf } from './viewOf.js';

/** The record of a device as JSON; 404 if it was never asked for. */
export async function answerState(
  tools: { records: Records; pace: Pace; clock: Clock },
  request: HttpRequest,
): Promise<HttpResponseInit> {
  const uuid = parseUuidInPath(request);
  if (!uuid) {
    throw new BadRequest(
      'provision.request.bad-uuid',
      'Name the device in the path: GET /api/provision/<uuid>',
    );
  }
  const found = await tools.records.read(uuid);
  if (!found) {
    return problem({
      status: 404,
      code: 'provision.not-requested',
      detail: `Nothing was ever asked for the device ${uuid}. POST to /api/provision asks for its credentials.`,
    });
  }
  const expected = await expectedAt(tools, found.value);
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(viewOf(found.value, expected, tools.clock.now())),
  };
}
