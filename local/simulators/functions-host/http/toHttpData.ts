import type { IncomingMessage } from 'node:http';
import type { HttpData } from '../core.js';

/**
 * A request as the host hands it to the library. The query is left out on purpose: the library then reads it from the URL, and
 * repeated keys survive.
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
