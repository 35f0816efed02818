import type { ActionRequest } from '../../src/ops/bulk/plan.js';
import type { Action, ActionPage } from '../../src/ops/bulk/schema.js';
import type { StartRequest } from '../../src/ops/bulk/start.js';
import type { DeadLetterPage } from '../../src/ops/deadLetters/schema.js';
import type { DeviceHistory, RecordPage } from '../../src/ops/devices/schema.js';
import type { Overview } from '../../src/ops/overview/schema.js';

/** What the API answered other than what was asked for, in words for people. */
export class ApiError extends Error {
  /**
   * @param status 0 if there was no answer
   * @param code of the problem document; empty where there is none
   */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  static from(error: unknown): ApiError {
    return error instanceof ApiError ? error : new ApiError(0, '', `This should not happen: ${error}`);
  }
}

export type Query = Record<string, string | number | null | undefined>;

/** `/api/ops/…`, as opsRoutes.ts describes it. All throw ApiError. */
export interface OpsApi {
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

const patienceMs = 30_000;

/**
 * @param key of the function `ops`; it goes into the header, and nowhere else
 * @param by who it is, for the audit; empty if that is not told
 * @param onWrongKey is called when the key is not taken (any more)
 */
export function openApi(key: string, by: string, onWrongKey: () => void): OpsApi {
  const base = `${location.pathname.replace(/\/+$/, '')}/`;
  const who = by === '' ? {} : { by };

  async function ask<T>(
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<T> {
    let response: Response;
    let text: string;
    try {
      const patience = AbortSignal.timeout(patienceMs);
      response = await fetch(base + path, {
        method,
        headers: { 'x-functions-key': key, ...(body && { 'content-type': 'application/json' }) },
        body: body ? JSON.stringify(body) : null,
        signal: signal ? AbortSignal.any([signal, patience]) : patience,
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
        isLate ? `No answer within ${patienceMs / 1_000} s.` : 'The API cannot be reached.',
      );
    }
    const json = parse(text);
    if (response.ok && json) return json as T;
    if (response.status === 401) onWrongKey();
    throw new ApiError(
      response.status,
      json?.code ?? '',
      json?.detail ?? `The API answered ${response.status}.`,
    );
  }

  const get = <T>(path: string, signal?: AbortSignal) => ask<T>('GET', path, undefined, signal);
  return {
    overview: (signal) => get('overview', signal),
    records: (query, signal) => get(`records${queryText(query)}`, signal),
    history: (uuid, signal) => get(`records/${encodeURIComponent(uuid)}`, signal),
    deadLetters: (query, signal) => get(`dead-letters${queryText(query)}`, signal),
    actions: (query, signal) => get(`actions${queryText(query)}`, signal),
    action: (id, signal) => get(`actions/${encodeURIComponent(id)}`, signal),
    plan: (request) => ask('POST', 'actions', { ...request, ...who }),
    start: (id, request) => ask('POST', `actions/${encodeURIComponent(id)}/start`, { ...request, ...who }),
    cancel: (id) => ask('POST', `actions/${encodeURIComponent(id)}/cancel`, who),
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
