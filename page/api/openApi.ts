import type { SystemStatus } from '../../src/health/statusSchema.js';
import type { ActionRequest } from '../../src/ops/bulk/plan.js';
import type { Action, ActionPage } from '../../src/ops/bulk/schema.js';
import type { StartRequest } from '../../src/ops/bulk/start.js';
import type { DeadLetterPage } from '../../src/ops/deadLetters/schema.js';
import type { DeviceHistory, RecordPage } from '../../src/ops/devices/schema.js';
import type { Overview } from '../../src/ops/overview/schema.js';
import { oneLine, printable } from '../../src/shared/printable.js';

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
}

const timeoutMs = 30_000;

/**
 * Opens the client.
 *
 * @param key of the function `ops`; the client sends the key in a header only
 * @param by the operator's name for the audit; may be empty
 * @param onWrongKey is called when the API does not accept the key (any more)
 */
export function openApi(key: string, by: string, onWrongKey: () => void): OpsApi {
  const base = `${location.pathname.replace(/\/+$/, '')}/`;
  const who = by === '' ? {} : { by };

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
        headers: { 'x-functions-key': key, ...(body && { 'content-type': 'application/json' }) },
        body: body ? JSON.stringify(body) : null,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        credentials: 'omit',
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
    if (response.status === 401) onWrongKey();
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
