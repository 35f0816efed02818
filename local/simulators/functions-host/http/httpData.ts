import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpData } from '../worker/core.js';
import { joinQuery } from './requestPath.js';

/** 100 MB, as on Azure. The setting has the same name on Azure. */
const defaultBodyLimit = 104_857_600;

/**
 * Reads the body of a request. As in the real host, a body without a Content-Length does not reach the function.
 *
 * @returns the bytes of the body, or `too-large`
 */
export async function readBody(
  request: IncomingMessage,
  limitBytes = Number(process.env.FUNCTIONS_REQUEST_BODY_SIZE_LIMIT || defaultBodyLimit),
): Promise<Buffer | 'too-large'> {
  const length = request.headers['content-length'];
  if (Number(length ?? 0) > limitBytes) return 'too-large';
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) return 'too-large';
    if (length !== undefined) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Converts a request into the form in which the host passes requests to `@azure/functions`.
 *
 * @param path see `resolvePath`
 */
export function toHttpData(
  request: IncomingMessage,
  path: string,
  params: Record<string, string>,
  body: Buffer,
): HttpData {
  const headers = Object.entries(request.headersDistinct).map(([name, values]) => [
    name,
    { value: values?.join(',') },
  ]);
  const { url = '' } = request;
  const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
  return {
    method: request.method,
    url: `http://${request.headers.host}${path}${query}`,
    nullableHeaders: Object.fromEntries(headers),
    nullableParams: nullable(params),
    nullableQuery: nullable(joinQuery(query.slice(1))),
    ...(body.length > 0 && { body: { bytes: body } }),
  };
}

function nullable(values: Record<string, string>): Record<string, { value: string }> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
}

/** Headers that the host sets. A function cannot choose the connection headers. */
const hostHeaders = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade']);

/**
 * Sends the response of a function. If the function returned nothing, the status is 204. As in the real host, a body is sent
 * in chunks, without a Content-Length.
 *
 * @returns the status
 * @throws Error if the function sets a header with other characters than ASCII, or sets cookies, because the local host does
 *   not support cookies
 */
export function sendHttpData(response: ServerResponse, data: HttpData | undefined): number {
  if (!data) {
    response.writeHead(204).end();
    return 204;
  }
  if (data.cookies?.length) throw new Error('the local host does not support cookies');
  for (const [name, value] of Object.entries(data.headers ?? {})) {
    if (!/^[\x20-\x7e\t]*$/.test(value)) throw new Error(`Invalid non-ASCII character in the header ${name}`);
    if (!hostHeaders.has(name.toLowerCase())) response.setHeader(name, value);
  }
  const status = Number(data.statusCode ?? 200);
  response.writeHead(status);
  // Node omits the body of a response that must not have one (HEAD, 204, 304).
  const body = Buffer.from(data.body?.bytes ?? []);
  if (body.length > 0) response.write(body);
  response.end();
  return status;
}
