import rhea, { type Message } from 'rhea';
import { BrokerError, notSupported } from '../engine/BrokerError.js';
import { creditCosts } from '../engine/Credits.js';
import type { Engine } from '../engine/Engine.js';
import type { SubQueueName } from '../engine/Message.js';
import type { Queue } from '../engine/Queue.js';
import { propertiesOfRequest, rewriteWith } from './applicationProperties.js';
import { encodeDelivery } from './encodeDelivery.js';
import { checkSize, lockTokenOf, maxMessageSize } from './queueLinks.js';
import { readMessage } from './readMessages.js';
import type { Reply } from './serveRequests.js';

const { types } = rhea;

/** Maximum number of messages in one answer to peek. */
const maxPeeked = 250;

type Body = Record<string, unknown>;
type Operation = (queue: Queue, part: SubQueueName, body: Body, request: Buffer) => Reply;

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

  'com.microsoft:update-disposition': (queue, _part, body, request) => {
    const status = body['disposition-status'];
    const rewrite = rewriteWith(propertiesOfRequest(request));
    for (const token of lockTokens(body)) {
      if (status === 'completed') queue.complete(token);
      else if (status === 'abandoned') queue.abandon(token, rewrite);
      else if (status === 'suspended') queue.deadLetter(token, rewrite);
      else if (status === 'defered') throw notSupported('deferring messages');
      else throw notSupported(`the disposition '${status}'`);
    }
    return { status: 200 };
  },
};

/** Operations of features that the broker does not serve. */
const refusedOperations: Record<string, string> = {
  'com.microsoft:receive-by-sequence-number': 'deferring messages',
  'com.microsoft:batch-delete-messages': 'deleting messages in batches',
  'com.microsoft:get-message-sessions': 'message sessions',
  'com.microsoft:get-session-state': 'message sessions',
  'com.microsoft:set-session-state': 'message sessions',
  'com.microsoft:renew-session-lock': 'message sessions',
  'com.microsoft:add-rule': 'rules of subscriptions',
  'com.microsoft:remove-rule': 'rules of subscriptions',
  'com.microsoft:enumerate-rules': 'rules of subscriptions',
};

/**
 * Executes a request to `<queue>/$management`. The request costs one credit for each message, and at least one.
 * @param bytes the encoded request
 * @throws BrokerError
 */
export function handleManagement(
  { credits }: Engine,
  queue: Queue,
  part: SubQueueName,
  { request, bytes }: { request: Message; bytes: Buffer },
): Reply {
  const name = String(request.application_properties?.operation);
  const operation = operations[name];
  if (!operation) throw notSupported(refusedOperations[name] ?? `the operation ${name}`);
  const body = (request.body ?? {}) as Body;
  credits.take(creditCosts.message);
  const reply = operation(queue, part, body, bytes);
  const messages = (reply.body as Body | undefined)?.messages ?? body.messages;
  if (Array.isArray(messages)) credits.charge(Math.max(0, messages.length - 1) * creditCosts.message);
  return reply;
}

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
