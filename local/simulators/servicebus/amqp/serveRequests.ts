import rhea, { type EventContext, type Message, type Receiver, type Sender } from 'rhea';
import type { Engine } from '../engine/Engine.js';
import { conditionError } from './amqpError.js';
import { accept } from './rheaInternals.js';

/** What a request is answered with once it is durable. */
export interface Reply {
  status: number;
  body?: unknown;
}

/** Answers the requests that a client sends to a node such as `$cbs` or `queue/$management`. */
export function serveRequests(
  receiver: Receiver,
  engine: Engine,
  replyLink: (request: Message) => Sender | undefined,
  handle: (request: Message) => Reply,
): void {
  receiver.on('message', ({ message, delivery }: EventContext) => {
    accept(delivery!);
    const request = message!;
    const send = (reply: Message) => replyLink(request)?.send(reply);
    try {
      const reply = handle(request);
      engine.journal.afterCommit((refused) => {
        send(refused ? failure(request, refused) : response(request, reply.status, 'OK', reply.body));
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
  // CBS has names of its own for the same things.
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
