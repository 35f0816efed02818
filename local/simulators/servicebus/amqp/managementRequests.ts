import rhea, { type EventContext, type Message, type Receiver, type Sender } from 'rhea';
import { BrokerError, notSupported } from '../engine/BrokerError.js';
import type { Engine } from '../engine/Engine.js';
import type { SubQueueName } from '../engine/Message.js';
import type { Queue } from '../engine/Queue.js';
import { conditionError } from './amqpError.js';
import { encodeDelivery } from './encodeDelivery.js';
import { type Properties, readMessage } from './messageSections.js';
import { checkSize, lockTokenOf, maxMessageSize, rewriteWith } from './queueLinks.js';
import { accept } from './rheaInternals.js';

/** The answer to a request. The broker sends the answer when the changes of the request are durable. */
export interface Reply {
  status: number;
  body?: unknown;
}

/**
 * Answers requests to a node such as `$cbs` or `queue/$management`.
 * @param replyLink finds the link for the answer to a request
 */
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

const { types } = rhea;

/** Maximum number of messages in one answer to peek. */
const maxPeeked = 250;

type Body = Record<string, unknown>;
type Operation = (queue: Queue, part: SubQueueName, body: Body) => Reply;

/** https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-request-response */
const operations: Record<string, Operation> = {
  'com.microsoft:peek-message': (queue, part, body) => {
    if (body['session-id'] !== undefined) throw notSupported('message sessions');
    const found: Buffer[] = [];
    let size = 0;
    const count = Math.min(Number(body['message-count']), maxPeeked);
    for (const { message, payload } of queue.peek(part, readLong(body['from-sequence-number']))) {
      size += payload.length;
      if (found.length >= count || (size > maxMessageSize && found.length > 0)) break;
      found.push(encodeDelivery(message, payload));
    }
    if (found.length === 0) return { status: 204 };
    return { status: 200, body: { messages: found.map((message) => ({ message })) } };
  },

  'com.microsoft:renew-lock': (queue, _part, body) => {
    const expirations = lockTokens(body).map((token) => queue.renew(token));
    return { status: 200, body: { expirations: types.wrap_array(expirations, 0x83, undefined) } };
  },

  'com.microsoft:schedule-message': (queue, _part, body) => {
    const encoded = list(body.messages).map((entry) => (entry as { message: Buffer }).message);
    checkSize(encoded.reduce((sum, { length }) => sum + length, 0));
    const sequenceNumbers = queue.send(encoded.map(readMessage));
    return { status: 200, body: { 'sequence-numbers': types.wrap_array(sequenceNumbers, 0x81, undefined) } };
  },

  'com.microsoft:cancel-scheduled-message': (queue, _part, body) => {
    queue.cancel(list(body['sequence-numbers']).map(readLong));
    return { status: 200 };
  },

  'com.microsoft:update-disposition': (queue, _part, body) => {
    const status = body['disposition-status'];
    for (const token of lockTokens(body)) {
      const changes = body['properties-to-modify'] as Properties | undefined;
      if (status === 'completed') queue.complete(token);
      else if (status === 'abandoned') queue.abandon(token, rewriteWith(changes));
      else if (status === 'suspended')
        queue.deadLetter(token, rewriteWith({ ...changes, ...deadLetterReason(body) }));
      else throw notSupported(`the disposition '${status}' (deferring messages)`);
    }
    return { status: 200 };
  },
};

/**
 * Executes a request to `<queue>/$management`.
 * @throws BrokerError
 */
export function handleManagement(queue: Queue, part: SubQueueName, request: Message): Reply {
  const name = String(request.application_properties?.operation);
  const operation = operations[name];
  if (!operation) throw notSupported(`the operation ${name}`);
  return operation(queue, part, (request.body ?? {}) as Body);
}

const deadLetterReason = (body: Body) => ({
  DeadLetterReason: body['deadletter-reason'],
  DeadLetterErrorDescription: body['deadletter-description'],
});

const lockTokens = (body: Body) => list(body['lock-tokens']).map((token) => lockTokenOf(token as Buffer));

function list(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new BrokerError('argument', 'The request lacks a list that this operation needs.');
}

/** rhea decodes a long to a number, or to eight bytes if the value exceeds the range of a number. */
function readLong(value: unknown): number {
  if (Buffer.isBuffer(value)) return Number(value.readBigInt64BE());
  if (typeof value === 'number') return value;
  throw new BrokerError('argument', 'The request lacks a sequence number.');
}
