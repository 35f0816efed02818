import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** A completely received request. */
export interface ReceivedRequest {
  method: string;
  /** Path without the query, percent-decoded. */
  path: string;
  query: URLSearchParams;
  /** The query as received, without the question mark. */
  search: string;
  /** Path and query, percent-decoded. The `path` of a fault is matched against this text. */
  target: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** The body was larger than allowed and was discarded. */
  tooLarge: boolean;
}

/** An answer. Text is sent unchanged, any other body as JSON. A content type in `headers` has precedence. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

export type Handle = (request: ReceivedRequest) => Answer | Promise<Answer>;

/** @throws Error if the client disconnects before the request is complete */
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

/** Decodes percent escapes. A text with a malformed escape is returned unchanged. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A request in the log of a simulator. */
export interface LoggedRequest {
  method: string;
  /** The path with the changing parts replaced, for example `/devices/{id}`. */
  path: string;
  /** HTTP status of the answer; null without an answer (reset, hang). */
  status: number | null;
  /** The kind of fault that decided the answer, if a fault did. */
  fault?: 'status' | 'reset' | 'hang' | 'halfAnswer';
  /** Time of arrival, ISO 8601. */
  at: string;
  /** Time from request to answer, milliseconds. */
  tookMs: number;
}

/** The requests to a simulator since the start, or since the log was cleared. */
export interface RequestSummary {
  total: number;
  /** Counts by method and path pattern, for example `PUT /devices/{id}`, then by status (`none` for no answer). */
  counts: Record<string, Record<string, number>>;
  /** The latest requests, oldest first. */
  requests: LoggedRequest[];
}

export interface RequestLog {
  add(request: LoggedRequest): void;
  summary(): RequestSummary;
  clear(): void;
}

/** @param keep length of the list of requests; the counts cover all requests */
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
