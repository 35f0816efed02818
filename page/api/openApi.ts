import type { SystemStatus } from '../../src/health/statusSchema.js';
import type { Activity } from '../../src/ops/activity/schema.js';
import type { ActionRequest } from '../../src/ops/bulk/plan.js';
import type { Action, ActionPage } from '../../src/ops/bulk/schema.js';
import type { StartRequest } from '../../src/ops/bulk/start.js';
import type { ExpiringPage } from '../../src/ops/certificates/expiring.js';
import type { DeadLetterPage } from '../../src/ops/deadLetters/schema.js';
import type { DeviceHistory, RecordPage } from '../../src/ops/devices/schema.js';
import type { FailureGroups } from '../../src/ops/failures/schema.js';
import type { FleetList } from '../../src/ops/fleets/schema.js';
import type { Overview } from '../../src/ops/overview/schema.js';
import type { DeviceRequestAnswer, DeviceRequestBody } from '../../src/ops/requests/device.js';
import type { FleetPlan, FleetRequestProgress } from '../../src/ops/requests/fleet.js';
import type { PageSettings } from '../../src/ops/settings/read.js';
import { oneLine, printable } from '../../src/shared/printable.js';
import type { Session } from './Session.js';

/** A failed request to the API. The message is written for operators. */
export class ApiError extends Error {
  /**
   * @param status the HTTP status; 0 without a response
   * @param code the code of the problem document; empty without such a document
   */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** Any thrown value as an ApiError. */
  static from(error: unknown): ApiError {
    return error instanceof ApiError ? error : new ApiError(0, '', `Unexpected error of the page: ${error}`);
  }
}

/** The parameters of a query. Empty parameters are left out. */
export type Query = Record<string, string | number | null | undefined>;

/** The devices of a fleet to request, see `fleetRequest`. */
export interface FleetRequestBody {
  fleet: string;
  service: string;
  onlyMissing: boolean;
  move: boolean;
  after?: string;
  /** The row of the audit, from the previous answer. */
  action?: string | undefined;
}

/** The client of `/api/ops/…`, see `opsRoutes`. All methods throw ApiError. */
export interface OpsApi {
  status(signal?: AbortSignal): Promise<SystemStatus>;
  overview(signal?: AbortSignal): Promise<Overview>;
  records(query: Query, signal?: AbortSignal): Promise<RecordPage>;
  history(uuid: string, signal?: AbortSignal): Promise<DeviceHistory>;
  deadLetters(query: Query, signal?: AbortSignal): Promise<DeadLetterPage>;
  actions(query: Query, signal?: AbortSignal): Promise<ActionPage>;
  action(id: string, signal?: AbortSignal): Promise<Action>;
  plan(request: ActionRequest): Promise<Action>;
  start(id: string, request: StartRequest): Promise<Action>;
  cancel(id: string): Promise<Action>;
  failures(signal?: AbortSignal): Promise<FailureGroups>;
  fleets(signal?: AbortSignal): Promise<FleetList>;
  certificates(query: Query, signal?: AbortSignal): Promise<ExpiringPage>;
  activity(signal?: AbortSignal): Promise<Activity>;
  settings(signal?: AbortSignal): Promise<PageSettings>;
  request(request: DeviceRequestBody): Promise<DeviceRequestAnswer>;
  planFleet(request: FleetRequestBody): Promise<FleetPlan>;
  requestFleet(request: FleetRequestBody): Promise<FleetRequestProgress>;
}

const timeoutMs = 30_000;
/** The header of `src/http/signIn`. */
const pageHeader = 'x-provisioner-page';

/** The path of the API for operators who sign in with Microsoft, beside the path of the page. */
export function operatorsPath(): string {
  return `${location.pathname.replace(/\/+$/, '').replace(/[^/]+$/, 'operators')}/`;
}

/**
 * Opens the client.
 *
 * @param session a key, which the client sends in a header only, or a sign-in with Microsoft
 * @param onRefused is called when the API does not accept the key or the sign-in (any more)
 */
export function openApi(session: Session, onRefused: () => void): OpsApi {
  const { by } = session;
  const isKey = session.kind === 'key';
  const base = isKey ? `${location.pathname.replace(/\/+$/, '')}/` : operatorsPath();
  const identity: Record<string, string> = isKey ? { 'x-functions-key': session.key } : { [pageHeader]: '1' };
  const who = by === '' || !isKey ? {} : { by };

  async function call<T>(
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<T> {
    let response: Response;
    let text: string;
    try {
      const timeout = AbortSignal.timeout(timeoutMs);
      response = await fetch(base + path, {
        method,
        headers: { ...identity, ...(body && { 'content-type': 'application/json' }) },
        body: body ? JSON.stringify(body) : null,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        credentials: isKey ? 'omit' : 'same-origin',
        cache: 'no-store',
      });
      text = await response.text();
    } catch (error) {
      if (signal?.aborted) throw error;
      const isLate = error instanceof DOMException && error.name === 'TimeoutError';
      throw new ApiError(
        0,
        '',
        isLate ? `The API did not answer within ${timeoutMs / 1_000} s.` : 'The API cannot be reached.',
      );
    }
    const json = parse(text);
    // Names from outside can hold characters that change the order of the letters.
    if (response.ok && json) return printable(json) as T;
    if (response.status === 401) onRefused();
    throw new ApiError(
      response.status,
      json?.code ?? '',
      json?.detail !== undefined ? oneLine(json.detail) : `The API answered ${response.status}.`,
    );
  }

  const get = <T>(path: string, signal?: AbortSignal) => call<T>('GET', path, undefined, signal);
  return {
    status: (signal) => get('status', signal),
    overview: (signal) => get('overview', signal),
    records: (query, signal) => get(`records${queryText(query)}`, signal),
    history: (uuid, signal) => get(`records/${encodeURIComponent(uuid)}`, signal),
    deadLetters: (query, signal) => get(`dead-letters${queryText(query)}`, signal),
    actions: (query, signal) => get(`actions${queryText(query)}`, signal),
    action: (id, signal) => get(`actions/${encodeURIComponent(id)}`, signal),
    plan: (request) => call('POST', 'actions', { ...request, ...who }),
    start: (id, request) => call('POST', `actions/${encodeURIComponent(id)}/start`, { ...request, ...who }),
    cancel: (id) => call('POST', `actions/${encodeURIComponent(id)}/cancel`, who),
    failures: (signal) => get('failures', signal),
    fleets: (signal) => get('fleets', signal),
    certificates: (query, signal) => get(`certificates${queryText(query)}`, signal),
    activity: (signal) => get('activity', signal),
    settings: (signal) => get('settings', signal),
    request: (request) => call('POST', 'requests', { ...request, ...who }),
    planFleet: (request) => call('POST', 'fleet-plans', request),
    requestFleet: (request) => call('POST', 'fleet-requests', { ...request, ...who }),
  };
}

function queryText(query: Query): string {
  const entries = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== null && value !== '',
  );
  return entries.length === 0
    ? ''
    : `?${new URLSearchParams(entries.map(([name, value]) => [name, String(value)]))}`;
}

function parse(text: string): { code?: string; detail?: string } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
