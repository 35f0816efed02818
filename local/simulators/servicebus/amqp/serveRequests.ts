import rhea, { type EventContext, type Message, type Receiver, type Sender } from 'rhea';
import type { Engine } from '../engine/Engine.js';
import { conditionError } from './amqpError.js';
import { accept } from './rhea/deliveries.js';

/** The answer to a request. The broker sends the answer when the changes of the request are durable. */
export interface Reply {
  status: number;
  body?: unknown;
}

/**
 * Answers requests to a node such as `$cbs` or `queue/$management`.
 * @param replyLink finds the link for the answer to a request
 * @param handle gets the decoded request and its encoded bytes
 */
export function serveRequests(
  receiver: Receiver,
  engine: Engine,
  replyLink: (request: Message) => Sender | undefined,
  handle: (request: Message, bytes: Buffer) => Reply,
): void {
  receiver.on('message', ({ message, delivery }: EventContext) => {
    accept(delivery!);
    // Every link is raw, so the message is a buffer of undecoded bytes.
    const bytes = message as unknown as Buffer;
    const request = rhea.message.decode(bytes) as unknown as Message;
    const send = (reply: Message) => replyLink(request)?.send(reply);
    try {
      const reply = handle(request, bytes);
      engine.journal.whenDurable((error) => {
        send(error ? failure(request, error) : response(request, reply.status, 'OK', reply.body));
      });
    } catch (error) {
      send(failure(request, error));
    }
  });
}

function failure(request: Message, error: unknown): Message {
  const { condition, description, status } = conditionError(error);
  return response(request, status, description, undefined, condition);
}

function response(
  request: Message,
  status: number,
  description: string,
  body: unknown,
  condition?: string,
): Message {
  // `$cbs` uses other names for the same properties.
  const isCbs = request.application_properties?.operation === 'put-token';
  return {
    correlation_id: request.message_id,
    application_properties: {
      [isCbs ? 'status-code' : 'statusCode']: rhea.types.wrap_int(status),
      [isCbs ? 'status-description' : 'statusDescription']: description,
      ...(condition && { errorCondition: rhea.types.wrap_symbol(condition) }),
    },
    body,
  } as unknown as Message;
}
