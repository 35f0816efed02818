import type { HttpRequest } from '@azure/functions';
import { type ApiArea, BadRequest } from './errors.js';

const maxBytes = 16 * 1024;

/** For the error about a missing body. The Functions host passes no chunked body on. */
export const noBodyHint = 'A body that is sent without Content-Length (chunked) does not arrive.';

const tooLarge = (area: ApiArea) =>
  new BadRequest(`${area}.request.too-large`, 'The body is larger than 16 KiB.', 413);

/**
 * Refuses a request that announces a larger body than 16 KiB, without reading the body. The platform refuses more than 64 KiB
 * (FUNCTIONS_REQUEST_BODY_SIZE_LIMIT) before a function gets the request.
 *
 * @throws BadRequest `<area>.request.too-large` (413)
 */
export function refuseLargeBody({ headers }: Pick<HttpRequest, 'headers'>, area: ApiArea): void {
  if (Number(headers.get('content-length')) > maxBytes) throw tooLarge(area);
}

/**
 * Reads the body of a request as text, byte by byte as sent. The signature of a webhook is made from this text.
 *
 * @returns '' without a body
 * @throws BadRequest `<area>.request.compressed` (415), `<area>.request.too-large` (413) above 16 KiB, `<area>.request.bad-body` if the
 * body is not UTF-8
 */
export async function readBody(request: HttpRequest, area: ApiArea): Promise<string> {
  const coding = request.headers.get('content-encoding');
  if (coding && coding.toLowerCase() !== 'identity') {
    throw new BadRequest(
      `${area}.request.compressed`,
      'The body is compressed (header Content-Encoding). Send the body uncompressed, without this header.',
      415,
    );
  }
  refuseLargeBody(request, area);
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > maxBytes) throw tooLarge(area);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new BadRequest(`${area}.request.bad-body`, 'The body is not UTF-8 text.');
  }
}

/** Removes a byte order mark, which some senders put before a text. */
export const withoutMark = (text: string): string => text.replace(/^\ufeff/, '');

/**
 * Parses a body that must be a JSON object or empty.
 *
 * @param text the body from `readBody`
 * @param example a valid body, for the error
 * @returns null for an empty body
 * @throws BadRequest `<area>.request.bad-body`
 */
export function parseJsonObject(text: string, area: ApiArea, example?: string): object | null {
  const hint = example === undefined ? '' : ` Send, for example: ${example}`;
  // The method also removes a byte order mark.
  const trimmed = text.trim();
  if (trimmed === '') return null;
  let body: unknown;
  try {
    body = JSON.parse(trimmed);
  } catch {
    throw new BadRequest(`${area}.request.bad-body`, `The body is not JSON.${hint}`);
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  throw new BadRequest(`${area}.request.bad-body`, `The body must be a JSON object.${hint}`);
}
