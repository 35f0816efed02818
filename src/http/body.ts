import type { HttpRequest } from '@azure/functions';
import { BadRequest } from './errors.js';

const maxBytes = 16 * 1024;

/**
 * The body as text, to the byte; '' where there is none.
 *
 * @param of whose request it is, for the code
 * @throws BadRequest (413) past 16 KiB
 */
export async function readBody(
  request: HttpRequest,
  of: 'provision' | 'webhook' | 'ops' = 'provision',
): Promise<string> {
  const tooLarge = () => new BadRequest(`${of}.request.too-large`, 'The body is larger than 16 KiB.', 413);
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge();
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > maxBytes) throw tooLarge();
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new BadRequest(`${of}.request.bad-body`, 'The body is not UTF-8 text.');
  }
}
