import type { ServerResponse } from 'node:http';
import type { HttpData } from '../core.js';
import { setCookie } from './setCookie.js';

/** The connection is the host's business, and so is the length: the body is at hand as a whole. */
const hostsOwn = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade']);

/**
 * Sends what the library made of the function's result. A function that returned nothing is answered with 204.
 *
 * @returns the status
 */
export function sendHttpData(response: ServerResponse, data: HttpData | undefined): number {
  if (!data) {
    response.writeHead(204).end();
    return 204;
  }
  for (const [name, value] of Object.entries(data.headers ?? {})) {
    if (!hostsOwn.has(name.toLowerCase())) response.setHeader(name, value);
  }
  for (const cookie of data.cookies ?? []) response.appendHeader('set-cookie', setCookie(cookie));
  const status = Number(data.statusCode ?? 200);
  const body = Buffer.from(data.body?.bytes ?? []);
  if (status !== 204 && status !== 304) response.setHeader('content-length', body.length);
  // Node leaves the body out by itself where there must be none (HEAD, 204, 304).
  response.writeHead(status).end(body);
  return status;
}
