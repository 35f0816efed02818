import type { z } from 'zod';
import { cancelAction, cancelRequest } from '../../ops/bulk/cancel.js';
import { actionRequest, planAction } from '../../ops/bulk/plan.js';
import { actionQuery, listActions, readAction } from '../../ops/bulk/read.js';
import { action, actionPage } from '../../ops/bulk/schema.js';
import { startAction, startRequest } from '../../ops/bulk/start.js';
import { deadLetterQuery, listDeadLetters } from '../../ops/deadLetters/list.js';
import { deadLetterPage } from '../../ops/deadLetters/schema.js';
import type { OpsDependencies } from '../../ops/dependencies.js';
import { readHistory } from '../../ops/devices/history.js';
import { listRecords, recordQuery } from '../../ops/devices/list.js';
import { deviceHistory, recordPage } from '../../ops/devices/schema.js';
import { readOverview } from '../../ops/overview/read.js';
import { overview } from '../../ops/overview/schema.js';
import { RequestError } from '../../ops/shared/request.js';
import { uuid } from '../../shared/schemas.js';

/** One thing that can be asked of `/api/ops/`: what does it, and what describes it. */
export interface OpsRoute {
  method: 'GET' | 'POST';
  /** Below `/api/ops/`; `{id}` is given to `run`. */
  path: `${string}` | `${string}/{id}` | `${string}/{id}/${string}`;
  /** For the description of the API. */
  summary: string;
  /** Of the query (GET), or of the body (POST). */
  request: z.ZodObject | null;
  status: 200 | 201 | 202;
  response: z.ZodObject;
  /** @throws Refused; ProvisioningError `records-unavailable`, `queue-unavailable` */
  run(deps: OpsDependencies, id: string, sent: object): Promise<object>;
}

/** The name of the filter `code` in a query: there, `code` is how a function key may be given. */
export const codeInQuery = 'errorCode';

export const opsRoutes: OpsRoute[] = [
  {
    method: 'GET',
    path: 'overview',
    summary: 'What the system is at: queue, states, failures, pace, timing, the last hour',
    request: null,
    status: 200,
    response: overview,
    run: (deps) => readOverview(deps),
  },
  {
    method: 'GET',
    path: 'records',
    summary: 'The records, by when they were last asked for',
    request: recordQuery,
    status: 200,
    response: recordPage,
    run: (deps, _, query) => listRecords(deps, query),
  },
  {
    method: 'GET',
    path: 'records/{id}',
    summary: 'One device (by uuid), and what happened to it',
    request: null,
    status: 200,
    response: deviceHistory,
    run(deps, id) {
      const parsed = uuid.safeParse(id);
      if (!parsed.success)
        throw new RequestError('ops.bad-uuid', `The uuid in the path ${parsed.error.issues[0]?.message}.`);
      return readHistory(deps, parsed.data);
    },
  },
  {
    method: 'GET',
    path: 'dead-letters',
    summary: 'What failed for good: failed requests and their dead letters as one list',
    request: deadLetterQuery,
    status: 200,
    response: deadLetterPage,
    run: (deps, _, query) => listDeadLetters(deps, query),
  },
  {
    method: 'POST',
    path: 'actions',
    summary: 'Plans a bulk action, and so fixes its set; nothing is done yet',
    request: actionRequest,
    status: 201,
    response: action,
    run: (deps, _, body) => planAction(deps, body as z.input<typeof actionRequest>),
  },
  {
    method: 'GET',
    path: 'actions',
    summary: 'The audit: who did what, when, to which, with which outcome',
    request: actionQuery,
    status: 200,
    response: actionPage,
    run: (deps, _, query) => listActions(deps, query),
  },
  {
    method: 'GET',
    path: 'actions/{id}',
    summary: 'One bulk action, with what has become of it by now',
    request: null,
    status: 200,
    response: action,
    run: (deps, id) => readAction(deps, id),
  },
  {
    method: 'POST',
    path: 'actions/{id}/start',
    summary: 'Starts a planned action; from then on it runs by itself',
    request: startRequest,
    status: 202,
    response: action,
    run: (deps, id, body) => startAction(deps, id, body),
  },
  {
    method: 'POST',
    path: 'actions/{id}/cancel',
    summary: 'Cancels an action: what is not done yet is given up again, each with its dead letter',
    request: cancelRequest,
    status: 202,
    response: action,
    run: (deps, id, body) => cancelAction(deps, id, body),
  },
];
