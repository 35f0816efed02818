import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { TypedData } from '../core.js';

/**
 * Converts a message's body for the library. The library parses a string as JSON if possible. The message must have been
 * received with `skipParsingBodyAsJson`.
 *
 * @param binary true if the trigger has `dataType: 'binary'`
 * @throws Error if the bytes are not UTF-8 and the trigger is not binary
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
  const properties = message.applicationProperties ?? {};
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
  };
  for (const [name, value] of Object.entries(bodyFields(body))) {
    const [taken] = Object.keys(metadata).filter((other) => other.toLowerCase() === name.toLowerCase());
    metadata[taken ?? name] = value;
  }
  return Object.fromEntries(
    Object.entries(metadata).filter((entry): entry is [string, TypedData] => !!entry[1]),
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
    else fields[name] = { string: value === true ? 'True' : value === false ? 'False' : String(value) };
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
