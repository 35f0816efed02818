import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpData } from '../core.js';

/**
 * Whether a URL can be built with this `Host` header. Kestrel, the web server of the real host, rejects other values before
 * they reach a function. `@azure/functions` could not build a request from such a value either.
 */
export function isValidHost(header: string | undefined): boolean {
  if (header === undefined || !/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i.test(header)) return false;
  return URL.canParse(`http://${header}/`);
}

/** 100 MB, as on Azure. The setting has the same name on Azure. */
const defaultBodyLimit = 104_857_600;

/**
 * Reads the body of a request.
 * @returns the bytes of the body, or `too-large`
 */
export async function readBody(
  request: IncomingMessage,
  limitBytes = Number(process.env.FUNCTIONS_REQUEST_BODY_SIZE_LIMIT || defaultBodyLimit),
): Promise<Buffer | 'too-large'> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return 'too-large';
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) return 'too-large';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Converts a request into the form in which the host passes requests to `@azure/functions`. The form has a field for the query,
 * but this function leaves the field empty: the library then reads the query from the URL, and repeated keys are kept.
 */
export function toHttpData(request: IncomingMessage, params: Record<string, string>, body: Buffer): HttpData {
  const headers = Object.entries(request.headersDistinct).map(([name, values]) => [
    name,
    { value: values?.join(',') },
  ]);
  return {
    method: request.method,
    url: `http://${request.headers.host}${request.url}`,
    nullableHeaders: Object.fromEntries(headers),
    nullableParams: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, { value }])),
    ...(body.length > 0 && { body: { bytes: body } }),
  };
}

/** Headers that the host sets. A function cannot choose the connection headers, and the host knows the length of the body. */
const hostHeaders = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade']);

/**
 * Sends the response of a function. If the function returned nothing, the status is 204.
 *
 * @returns the status
 * @throws Error if the function sets cookies, because the local host does not support cookies
 */
export function sendHttpData(response: ServerResponse, data: HttpData | undefined): number {
  if (!data) {
    response.writeHead(204).end();
    return 204;
  }
  if (data.cookies?.length) throw new Error('the local host does not support cookies');
  for (const [name, value] of Object.entries(data.headers ?? {})) {
    if (!hostHeaders.has(name.toLowerCase())) response.setHeader(name, value);
  }
  const status = Number(data.statusCode ?? 200);
  const body = Buffer.from(data.body?.bytes ?? []);
  if (status !== 204 && status !== 304) response.setHeader('content-length', body.length);
  // Node omits the body of a response that must not have one (HEAD, 204, 304).
  response.writeHead(status).end(body);
  return status;
}
