import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { TypedData } from '../worker/core.js';

/**
 * Converts a message's body for the library. The library parses a string as JSON if possible. The message must have been
 * received with `skipParsingBodyAsJson`. As on Azure, bytes that are not UTF-8 become replacement characters.
 *
 * @param binary true if the trigger has `dataType: 'binary'`
 * @throws Error if the body is an AMQP value other than a string or null; the real host cannot bind such a value
 */
export function messageBody({ body }: ServiceBusReceivedMessage, binary: boolean): TypedData {
  if (body === undefined || body === null) return binary ? { bytes: Buffer.alloc(0) } : { string: '' };
  if (body instanceof Uint8Array) {
    return binary ? { bytes: body } : { string: new TextDecoder('utf-8', { ignoreBOM: true }).decode(body) };
  }
  if (typeof body === 'string') return binary ? { bytes: Buffer.from(body) } : { string: body };
  throw new Error('the AMQP value of the message cannot be bound');
}

/** Whether a message's body is an AMQP sequence. */
export function isSequence({ _rawAmqpMessage }: ServiceBusReceivedMessage): boolean {
  return _rawAmqpMessage?.bodyType === 'sequence';
}

/**
 * The metadata of a message as the Service Bus extension sends them, with .NET names. The library converts the first letter
 * of every name to lower case. As on Azure, the times named `…Utc` have no time zone. A JavaScript Date reads such times as
 * local times, so a function should use the other times. Also as on Azure, a text in JSON syntax, such as the message id
 * `"42"`, arrives parsed.
 *
 * @param body the data for the function. The host adds the top-level fields of a JSON body, and these fields win: a
 *   `lockToken` in the body hides the real lock token.
 */
export function triggerMetadata(
  message: ServiceBusReceivedMessage,
  body: TypedData,
): Record<string, TypedData> {
  const enqueuedAt = dotNetTime(message.enqueuedTimeUtc);
  const expiresAt = dotNetTime(message.expiresAtUtc);
  const properties = withDotNetTimes(message.applicationProperties ?? {});
  const metadata: Record<string, TypedData | undefined> = {
    // The SDK's receiver counts deliveries from 0, the host from 1.
    DeliveryCount: { int: (message.deliveryCount ?? 0) + 1 },
    DeadLetterSource: text(message.deadLetterSource),
    LockToken: text(message.lockToken),
    ExpiresAtUtc: json(expiresAt),
    ExpiresAt: json(expiresAt && `${expiresAt}+00:00`),
    EnqueuedTimeUtc: json(enqueuedAt),
    EnqueuedTime: json(enqueuedAt && `${enqueuedAt}+00:00`),
    MessageId: text(message.messageId),
    ContentType: text(message.contentType),
    ReplyTo: text(message.replyTo),
    SequenceNumber: { int: Number(message.sequenceNumber ?? 0) },
    To: text(message.to),
    Subject: text(message.subject),
    Label: text(message.subject),
    CorrelationId: text(message.correlationId),
    ApplicationProperties: json(properties),
    UserProperties: json(properties),
    SessionId: text(message.sessionId),
    ReplyToSessionId: text(message.replyToSessionId),
    PartitionKey: text(message.partitionKey),
    // Objects of the .NET client, which the real host passes as their public properties.
    Client: json({}),
    MessageReceiver: json({}),
    MessageActions: json({}),
  };
  for (const [name, value] of Object.entries(bodyFields(body))) {
    const [taken] = Object.keys(metadata).filter((other) => other.toLowerCase() === name.toLowerCase());
    metadata[taken ?? name] = value;
  }
  return Object.fromEntries(
    Object.entries(metadata).filter((entry): entry is [string, TypedData] => !!entry[1]),
  );
}

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?$/;

/** The text that .NET prints for a JSON value. Newtonsoft takes a text in the form of a time for a time. */
function dotNetText(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'string' || !isoTime.test(value)) return String(value);
  const time = new Date(/[Z+]|-\d\d:\d\d$/.test(value.slice(10)) ? value : `${value}Z`);
  if (Number.isNaN(time.getTime())) return value;
  const [year, month, day] = time.toISOString().slice(0, 10).split('-');
  return `${month}/${day}/${year} ${time.toISOString().slice(11, 19)}`;
}

/** Newtonsoft writes times without trailing zeros. */
function withDotNetTimes(properties: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      value instanceof Date ? value.toISOString().replace(/\.?0*Z$/, 'Z') : value,
    ]),
  );
}

/**
 * The fields of a JSON object, except arrays and nulls. A value other than an object becomes the text that .NET prints for
 * the value.
 */
function bodyFields(body: TypedData): Record<string, TypedData> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.string ?? '');
  } catch {
    return {};
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return {};
  const fields: Record<string, TypedData> = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (value === null || Array.isArray(value)) continue;
    if (typeof value === 'object') fields[name] = { json: JSON.stringify(value) };
    else fields[name] = { string: dotNetText(value as string | number | boolean) };
  }
  return fields;
}

function text(value: unknown): TypedData | undefined {
  return value === undefined || value === null ? undefined : { string: String(value) };
}

function json(value: unknown): TypedData | undefined {
  return value === undefined ? undefined : { json: JSON.stringify(value) };
}

/** .NET's last moment: the expiry of a message without a time to live. */
const never = '9999-12-31T23:59:59.9999999';

/**
 * ISO 8601 without a time zone and without trailing zeros. Newtonsoft writes a DateTime of unspecified kind in this form.
 */
function dotNetTime(time: Date | undefined): string | undefined {
  if (time && time.getUTCFullYear() > 9999) return never;
  return time?.toISOString().replace(/\.?0*Z$/, '');
}
