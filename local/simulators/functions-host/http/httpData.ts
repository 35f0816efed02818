import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpData } from '../core.js';
import { setCookie } from './setCookie.js';

/**
 * Can a URL be made with this `Host` header? Kestrel refuses others before a function sees them, and the library could not even
 * make a request of them.
 */
export function isHost(header: string | undefined): boolean {
  if (header === undefined || !/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i.test(header)) return false;
  return URL.canParse(`http://${header}/`);
}

/** 100 MB, as on Azure; the setting there has the same name. */
const defaultLimit = 104_857_600;

/** @returns the body's bytes, or `too-large` */
export async function readBody(
  request: IncomingMessage,
  limitBytes = Number(process.env.FUNCTIONS_REQUEST_BODY_SIZE_LIMIT || defaultLimit),
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
