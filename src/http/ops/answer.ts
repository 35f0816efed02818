import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { OpsDependencies } from '../../ops/dependencies.js';
import { RequestError } from '../../ops/shared/request.js';
import { readBody } from '../body.js';
import { BadRequest } from '../errors.js';
import { problem } from '../problem.js';
import { codeInQuery, opsRoutes } from './routes.js';

/**
 * Answers `/api/ops/…` (see `opsRoutes`).
 *
 * @throws BadRequest; ProvisioningError, see `answering`
 */
export async function answerOps(deps: OpsDependencies, request: HttpRequest): Promise<HttpResponseInit> {
  const { resource = '', id, verb } = request.params;
  const path = [resource, ...(id === undefined ? [] : ['{id}']), ...(verb === undefined ? [] : [verb])].join(
    '/',
  );
  const route = opsRoutes.find((each) => each.path === path && each.method === request.method);
  if (!route) {
    const known = opsRoutes.map((each) => `${each.method} /api/ops/${each.path}`).join(', ');
    return problem({
      status: 404,
      code: 'ops.not-found',
      detail: `There is no ${request.method} of that. There are: ${known}.`,
    });
  }
  try {
    const sent = route.method === 'GET' ? readQuery(request) : await readJson(request);
    const answer = await route.run(deps, id ?? '', sent);
    return {
      status: route.status,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      body: JSON.stringify(answer),
    };
  } catch (error) {
    if (error instanceof RequestError)
      return problem({ status: error.status, code: error.code, detail: error.message });
    throw error;
  }
}

function readQuery({ query }: HttpRequest): object {
  const { code: _key, [codeInQuery]: code, ...others } = Object.fromEntries(query);
  return code === undefined ? others : { ...others, code };
}

/** No body is as good as an empty one: every field may be left out somewhere. */
async function readJson(request: HttpRequest): Promise<object> {
  const text = (await readBody(request, 'ops')).trim();
  if (text === '') return {};
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = null;
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
  throw new BadRequest('ops.request.bad-body', 'The body must be a JSON object.');
}
