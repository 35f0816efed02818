import type { z } from 'zod';
import { systemStatus } from '../../health/statusSchema.js';
import { readActivity } from '../../ops/activity/read.js';
import { activity } from '../../ops/activity/schema.js';
import { cancelAction, cancelRequest } from '../../ops/bulk/cancel.js';
import { actionRequest, planAction } from '../../ops/bulk/plan.js';
import { actionQuery, listActions, readAction } from '../../ops/bulk/read.js';
import { action, actionPage } from '../../ops/bulk/schema.js';
import { startAction, startRequest } from '../../ops/bulk/start.js';
import { expiringPage, expiringQuery, listExpiring } from '../../ops/certificates/expiring.js';
import { deadLetterQuery, listDeadLetters } from '../../ops/deadLetters/list.js';
import { deadLetterPage } from '../../ops/deadLetters/schema.js';
import { readHistory } from '../../ops/devices/history.js';
import { listRecords, recordQuery } from '../../ops/devices/list.js';
import { resolveUuid } from '../../ops/devices/resolve.js';
import { deviceHistory, recordPage } from '../../ops/devices/schema.js';
import { groupFailures } from '../../ops/failures/group.js';
import { failureGroups } from '../../ops/failures/schema.js';
import { listFleets } from '../../ops/fleets/progress.js';
import { fleetList } from '../../ops/fleets/schema.js';
import { readOverview } from '../../ops/overview/read.js';
import { readSystemHealth } from '../../ops/overview/readStatus.js';
import { overview } from '../../ops/overview/schema.js';
import type { OperatorDependencies } from '../../ops/requests/dependencies.js';
import {
  type DeviceRequestBody,
  deviceRequest,
  deviceRequestAnswer,
  requestDevice,
} from '../../ops/requests/device.js';
import {
  fleetPlan,
  fleetPlanRequest,
  fleetProgressAnswer,
  fleetRequest,
  planFleetRequest,
  requestFleetPart,
} from '../../ops/requests/fleet.js';
import { pageSettings, readPageSettings } from '../../ops/settings/read.js';

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
  run(deps: OperatorDependencies, id: string, sent: object): Promise<object>;
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
    method: 'GET',
    path: 'failures',
    summary: 'All failures, grouped by cause, step and fleet, with the time since when, and the advice',
    request: null,
    status: 200,
    response: failureGroups,
    run: (deps) => groupFailures(deps),
  },
  {
    method: 'GET',
    path: 'fleets',
    summary: 'The devices of each fleet, counted by state',
    request: null,
    status: 200,
    response: fleetList,
    run: (deps) => listFleets(deps),
  },
  {
    method: 'GET',
    path: 'certificates',
    summary: 'The devices whose certificate expires soon, in the order of the expiry',
    request: expiringQuery,
    status: 200,
    response: expiringPage,
    run: (deps, _, query) => listExpiring(deps, query),
  },
  {
    method: 'GET',
    path: 'activity',
    summary: 'What has happened in the last minutes: requests, finished and failed devices, bulk actions',
    request: null,
    status: 200,
    response: activity,
    run: (deps) => readActivity(deps),
  },
  {
    method: 'GET',
    path: 'settings',
    summary:
      "What the operators' page needs of the settings: links, the default service and the served fleets",
    request: null,
    status: 200,
    response: pageSettings,
    run: async (deps) => readPageSettings(deps),
  },
  {
    method: 'POST',
    path: 'requests',
    summary: 'Requests or removes the credentials of a device, by the same rules as a request of the CLI',
    request: deviceRequest,
    status: 202,
    response: deviceRequestAnswer,
    run: (deps, _, body) => requestDevice(deps, body as DeviceRequestBody),
  },
  {
    method: 'POST',
    path: 'fleet-plans',
    summary: 'Counts the devices of a fleet that a request of the fleet would request; nothing is changed',
    request: fleetPlanRequest,
    status: 200,
    response: fleetPlan,
    run: (deps, _, body) => planFleetRequest(deps, body),
  },
  {
    method: 'POST',
    path: 'fleet-requests',
    summary: 'Requests credentials for the next 200 devices of a fleet; repeat the request with "next"',
    request: fleetRequest,
    status: 202,
    response: fleetProgressAnswer,
    run: (deps, _, body) => requestFleetPart(deps, body),
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
