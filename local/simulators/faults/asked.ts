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
