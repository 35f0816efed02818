import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** A request, read to its end. */
export interface ReceivedRequest {
  method: string;
  /** Path without its query, percent-decoded. */
  path: string;
  query: URLSearchParams;
  /** The query as it was sent, without its question mark. */
  search: string;
  /** Path and query, percent-decoded: what the `path` of a fault is matched against. */
  target: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** The body was larger than allowed, and is not here. */
  tooLarge: boolean;
}

/** An answer. Text goes out as it is, any other body as JSON; a content type in `headers` has precedence. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

export type Handle = (asked: ReceivedRequest) => Answer | Promise<Answer>;

/** @throws Error when the caller goes away before its request is complete */
export async function readRequest(request: IncomingMessage, maxBodyBytes: number): Promise<ReceivedRequest> {
  const { method = 'GET', url = '/', headers } = request;
  const at = url.indexOf('?');
  const search = at < 0 ? '' : url.slice(at + 1);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= maxBodyBytes) chunks.push(chunk);
  }
  const tooLarge = length > maxBodyBytes;
  return {
    method,
    path: decode(at < 0 ? url : url.slice(0, at)),
    query: new URLSearchParams(search),
    search,
    target: decode(url),
    headers,
    body: tooLarge ? '' : Buffer.concat(chunks).toString(),
    tooLarge,
  };
}

/** A malformed escape stays as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A request that a simulator was asked. */
export interface LoggedRequest {
  method: string;
  /** The path with its changing parts replaced, such as `/devices/{id}`. */
  path: string;
  /** HTTP status of the answer; null when there was none (reset, hang). */
  status: number | null;
  /** The fault that decided it, if one did. */
  fault?: 'status' | 'reset' | 'hang' | 'halfAnswer';
  /** When it came in, ISO 8601. */
  at: string;
  /** From request to answer, milliseconds. */
  tookMs: number;
}

/** What a simulator was asked since it started, or since the log was cleared. */
export interface RequestSummary {
  total: number;
  /** By method and path pattern, such as `PUT /devices/{id}`, then by status (`none` for no answer). */
  counts: Record<string, Record<string, number>>;
  /** The latest ones, oldest first. */
  requests: LoggedRequest[];
}

export interface RequestLog {
  add(request: LoggedRequest): void;
  summary(): RequestSummary;
  clear(): void;
}

/** @param keep how many requests the list holds; the counts are of all */
export function createRequestLog(keep = 1000): RequestLog {
  let total = 0;
  let counts: RequestSummary['counts'] = {};
  let requests: LoggedRequest[] = [];
  return {
    add(request) {
      total += 1;
      const key = `${request.method} ${request.path}`;
      const status = request.status ?? 'none';
      counts[key] ??= {};
      counts[key][status] = (counts[key][status] ?? 0) + 1;
      requests.push(request);
      if (requests.length > 2 * keep) requests = requests.slice(-keep);
    },
    summary: () => ({ total, counts, requests: requests.slice(-keep) }),
    clear() {
      total = 0;
      counts = {};
      requests = [];
    },
  };
}
