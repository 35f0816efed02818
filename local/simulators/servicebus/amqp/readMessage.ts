import { randomUUID } from 'node:crypto';
import type { NewMessage } from '../engine/NewMessage.js';
import { section, sections, withSection } from './sections.js';
import { encodeSection, encodeString, items, readNumber, readText } from './wire.js';

/** What marks a transfer as a batch: data sections, each of which holds an encoded message. Service Bus's own format. */
export const batchFormat = 0x80013700;

/**
 * Reads what a sender sent: one message, or a batch.
 * @throws BrokerError `argument` when it is malformed
 */
export function readMessages(bytes: Buffer, format: number): NewMessage[] {
  if (format !== batchFormat) return [readMessage(bytes)];
  return sections(bytes)
    .filter(({ descriptor }) => descriptor === section.data)
    .map(({ valueStart, end }) =>
      readMessage(bytes.subarray(valueStart + (bytes[valueStart] === 0xa0 ? 2 : 5), end)),
    );
}

/**
 * Picks from an encoded message what the engine needs to know. The bytes stay as they are, but for a message id if it has none.
 * @throws BrokerError `argument` when it is malformed
 */
export function readMessage(bytes: Buffer): NewMessage {
  let timeToLiveMs: number | undefined;
  let scheduledFor: number | undefined;
  let messageId: string | undefined;
  for (const { descriptor, valueStart } of sections(bytes)) {
    if (descriptor === section.header) {
      const timeToLive = items(bytes, valueStart)[2];
      timeToLiveMs = timeToLive && readNumber(bytes, timeToLive);
    } else if (descriptor === section.messageAnnotations) {
      const annotations = items(bytes, valueStart);
      const at = annotations.findIndex((key) => readText(bytes, key) === 'x-opt-scheduled-enqueue-time');
      if (at >= 0) scheduledFor = readNumber(bytes, annotations[at + 1]!);
    } else if (descriptor === section.properties) {
      const id = items(bytes, valueStart)[0];
      messageId = id && (readText(bytes, id) ?? readNumber(bytes, id)?.toString());
    }
  }
  // A copy, because the bytes are a window into what the socket received together with much else.
  const payload = messageId === undefined ? withMessageId(bytes) : Buffer.from(bytes);
  return { payload, messageId, scheduledFor, timeToLiveMs };
}

/** The service gives a message an id when its sender did not; the SDK's lock renewal relies on it. */
function withMessageId(bytes: Buffer): Buffer {
  const properties = sections(bytes).find(({ descriptor }) => descriptor === section.properties);
  const values = properties ? items(bytes, properties.valueStart) : [];
  const rest = values.slice(1).map(({ start, end }) => bytes.subarray(start, end));
  const id = encodeString(randomUUID().replaceAll('-', ''));
  return withSection(bytes, section.properties, encodeSection(section.properties, 'list', [id, ...rest]));
}
