import type { IncomingMessage } from 'node:http';

/** Limits of Kestrel, the web server of the real host. */
const longestRequestLine = 8_192;
const mostHeaders = 100;
const longestHeaders = 32 * 1_024;

/**
 * Options for Node's server. Node must take more than Kestrel, so that this file answers what Kestrel answers.
 */
export const serverOptions = {
  keepAliveTimeout: 130_000,
  maxHeaderSize: 256 * 1_024,
  requireHostHeader: false,
};

/**
 * The status with which the web server of the real host answers a malformed request, before any function sees the request.
 *
 * @returns undefined for a request that Kestrel takes
 */
export function refusal(request: IncomingMessage): number | undefined {
  const { method = '', url = '', rawHeaders, httpVersion } = request;
  if (`${method} ${url} HTTP/1.1\r\n`.length > longestRequestLine) return 414;
  const length = rawHeaders.reduce((sum, text) => sum + text.length + 2, 0);
  if (rawHeaders.length / 2 > mostHeaders || length > longestHeaders) return 431;
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) return 400;
  if (hosts === 1 && !isValidHost(request.headers.host)) return 400;
  return /%00/.test(url.split('?', 1)[0] ?? '') ? 400 : undefined;
}

/**
 * Whether a URL can be built with this `Host` header. Kestrel rejects other values before they reach a function.
 * `@azure/functions` could not build a request from such a value either.
 */
export function isValidHost(header: string | undefined): boolean {
  if (header === undefined || !/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i.test(header)) return false;
  return URL.canParse(`http://${header}/`);
}
