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
