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

/**
 * What the Service Bus extension tells about a message, under its .NET names; the library takes the first capital away, at every
 * depth. As on Azure, the times called `…Utc` lack the zone (a JavaScript Date would take them for local time; use the others), and a
 * text that looks like JSON, such as the message id `"42"`, arrives parsed.
 *
 * @param body what is handed to the function. The host adds the top-level fields of a JSON body, and these win: a body with a
 *   `lockToken` hides the real one
 */
export function triggerMetadata(
  message: ServiceBusReceivedMessage,
  body: TypedData,
): Record<string, TypedData> {
  const enqueuedAt = dotNetTime(message.enqueuedTimeUtc);
  const expiresAt = dotNetTime(message.expiresAtUtc);
  const properties = message.applicationProperties ?? {};
  const metadata: Record<string, TypedData | undefined> = {
    // The SDK's receiver counts from 0, the host from 1.
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

/** The fields of a JSON object, except arrays and nulls. Everything that is not an object becomes .NET's text for it. */
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

/** .NET's last moment: when a message without a time to live expires. */
const never = '9999-12-31T23:59:59.9999999';

/** ISO 8601 without a zone and without trailing zeros, as Newtonsoft writes a DateTime that does not know its zone. */
function dotNetTime(time: Date | undefined): string | undefined {
  if (time && time.getUTCFullYear() > 9999) return never;
  return time?.toISOString().replace(/\.?0*Z$/, '');
}
