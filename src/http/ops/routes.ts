import type { z } from 'zod';
import { systemStatus } from '../../health/statusSchema.js';
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
import { resolveUuid } from '../../ops/devices/resolve.js';
import { deviceHistory, recordPage } from '../../ops/devices/schema.js';
import { readOverview } from '../../ops/overview/read.js';
import { readSystemHealth } from '../../ops/overview/readStatus.js';
import { overview } from '../../ops/overview/schema.js';

/** One request of `/api/ops/…`: the function, the schemas, and the summary for the OpenAPI description. */
export interface OpsRoute {
  method: 'GET' | 'POST';
  /** Below `/api/ops/`. `run` gets the value of `{id}`. */
  path: `${string}` | `${string}/{id}` | `${string}/{id}/${string}`;
  /** For the OpenAPI description. */
  summary: string;
  /** Schema of the query (GET) or of the body (POST). */
  request: z.ZodObject | null;
  status: 200 | 201 | 202;
  /** Schema of the answer. */
  response: z.ZodObject;
  /** @throws RequestError; ProvisioningError `records-unavailable`, `queue-unavailable` */
  run(deps: OpsDependencies, id: string, sent: object): Promise<object>;
}

/** The name of the filter `code` in a query. In a query, `code` is the function key. */
export const codeInQuery = 'errorCode';

/** All requests of `/api/ops/…`. */
export const opsRoutes: OpsRoute[] = [
  {
    method: 'GET',
    path: 'overview',
    summary: 'The state of the system: queue, devices, failures, rate limiter, timing, the last hour',
    request: null,
    status: 200,
    response: overview,
    run: (deps) => readOverview(deps),
  },
  {
    method: 'GET',
    path: 'status',
    summary: 'The state of the whole system in one line, with all incidents',
    request: null,
    status: 200,
    response: systemStatus,
    run: async (deps) => (await readSystemHealth(deps)).status,
  },
  {
    method: 'GET',
    path: 'records',
    summary: 'The device records, sorted by the time of the last request',
    request: recordQuery,
    status: 200,
    response: recordPage,
    run: (deps, _, query) => listRecords(deps, query),
  },
  {
    method: 'GET',
    path: 'records/{id}',
    summary: "A device, by the UUID or by the UUID's first digits, with the device's history",
    request: null,
    status: 200,
    response: deviceHistory,
    run: async (deps, id) => readHistory(deps, await resolveUuid(deps.records, id)),
  },
  {
    method: 'GET',
    path: 'dead-letters',
    summary: 'The requests that failed for good, and the messages of the dead-letter queue, as one list',
    request: deadLetterQuery,
    status: 200,
    response: deadLetterPage,
    run: (deps, _, query) => listDeadLetters(deps, query),
  },
  {
    method: 'POST',
    path: 'actions',
    summary: 'Plans a bulk action and fixes the set of items; the action does nothing before the start',
    request: actionRequest,
    status: 201,
    response: action,
    run: (deps, _, body) => planAction(deps, body as z.input<typeof actionRequest>),
  },
  {
    method: 'GET',
    path: 'actions',
    summary: 'The audit: all started actions with operator, time, filter and outcome',
    request: actionQuery,
    status: 200,
    response: actionPage,
    run: (deps, _, query) => listActions(deps, query),
  },
  {
    method: 'GET',
    path: 'actions/{id}',
    summary: 'A bulk action with the present counts',
    request: null,
    status: 200,
    response: action,
    run: (deps, id) => readAction(deps, id),
  },
  {
    method: 'POST',
    path: 'actions/{id}/start',
    summary: 'Starts a planned action; the action then runs by itself',
    request: startRequest,
    status: 202,
    response: action,
    run: (deps, id, body) => startAction(deps, id, body),
  },
  {
    method: 'POST',
    path: 'actions/{id}/cancel',
    summary:
      'Cancels an action; each pending replay becomes a dead letter again, and each rotation that no worker has begun is dropped',
    request: cancelRequest,
    status: 202,
    response: action,
    run: (deps, id, body) => cancelAction(deps, id, body),
  },
];
