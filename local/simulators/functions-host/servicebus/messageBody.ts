import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { TypedData } from '../core.js';

/**
 * A message's body as the host hands it to the library, which then parses it if it is JSON. The message must have been received
 * with `skipParsingBodyAsJson`.
 *
 * @param binary the trigger says `dataType: 'binary'`
 * @throws Error for bytes that are not UTF-8, where a text is wanted
 */
export function messageBody({ body }: ServiceBusReceivedMessage, binary: boolean): TypedData {
  if (body === undefined || body === null) return binary ? { bytes: Buffer.alloc(0) } : { string: '' };
  if (body instanceof Uint8Array) {
    if (binary) return { bytes: body };
    try {
      return { string: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body) };
    } catch {
      throw new Error('the message body is not UTF-8');
    }
  }
  return typeof body === 'string' ? { string: body } : { json: JSON.stringify(body) };
}
