import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { OperatorDependencies } from '../../ops/requests/dependencies.js';
import { RequestError } from '../../ops/shared/request.js';
import { jsonText } from '../../shared/printable.js';
import { noBodyHint, parseJsonObject, readBody } from '../body.js';
import { BadRequest } from '../errors.js';
import { problem } from '../problem.js';
import { codeInQuery, type OpsRoute, opsRoutes } from './routes.js';

/**
 * Answers a request of `/api/ops/…` (see `opsRoutes`).
 *
 * @param by the name of a signed-in operator, which replaces the name in the request; default: the name in the request
 * @throws BadRequest `ops.request.…`
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`; see `withErrorResponses`
 */
export async function answerOps(
  deps: OperatorDependencies,
  request: HttpRequest,
  by?: string,
): Promise<HttpResponseInit> {
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
      detail: `${request.method} is not possible for this path. Known requests: ${known}.`,
    });
  }
  let hint = '';
  try {
    const body = route.method === 'GET' ? null : parseJsonObject(await readBody(request, 'ops'), 'ops');
    if (route.method !== 'GET' && !body) hint = ` The request has no body. ${noBodyHint}`;
    const sent = route.method === 'GET' ? readQuery(request) : (body ?? {});
    const answer = await route.run(deps, id ?? '', by === undefined ? sent : withName(route, sent, by));
    return {
      status: route.status,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      body: jsonText(answer),
    };
  } catch (error) {
    if (error instanceof RequestError)
      return problem({ status: error.status, code: error.code, detail: error.message + hint });
    throw error;
  }
}

/** A signed-in operator cannot act under another name. */
function withName({ method, request }: OpsRoute, sent: object, by: string): object {
  return method === 'POST' && request && 'by' in request.shape ? { ...sent, by } : sent;
}

/**
 * Rejects a repeated parameter. The Functions host joins the values with commas, and compares names without case.
 *
 * @throws BadRequest `ops.request.repeated-parameter`
 */
function rejectRepeated(url: string): void {
  const names = new Set<string>();
  for (const name of new URL(url).searchParams.keys()) {
    if (names.has(name.toLowerCase()))
      throw new BadRequest(
        'ops.request.repeated-parameter',
        `The query has the parameter "${name}" more than once. Send each parameter once.`,
      );
    names.add(name.toLowerCase());
  }
}

/** The query without the function key. The filter `code` has another name in a query; see `codeInQuery`. */
function readQuery({ query, url }: HttpRequest): object {
  rejectRepeated(url);
  const { code: _key, [codeInQuery]: code, ...others } = Object.fromEntries(query);
  return code === undefined ? others : { ...others, code };
}
