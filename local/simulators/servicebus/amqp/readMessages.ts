import { randomUUID } from 'node:crypto';
import type { NewMessage } from '../engine/Message.js';
import { checkPropertySizes } from './applicationProperties.js';
import { section, sections, withSection } from './messageSections.js';
import { readTimeToLive } from './timeToLive.js';
import { encodeSection, encodeString, items, readNumber, readText } from './wire.js';

/** The message format of a batch in Service Bus. Each data section of a batch holds an encoded message. */
const batchFormat = 0x80013700;

/**
 * Reads a transfer: one message, or a batch.
 * @throws BrokerError `argument` if the bytes are malformed
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
 * Reads the fields that the engine needs from an encoded message. The bytes stay unchanged, except that a message without
 * an id gets an id.
 * @throws BrokerError `argument` if the bytes are malformed
 */
export function readMessage(bytes: Buffer): NewMessage {
  let scheduledFor: number | undefined;
  let messageId: string | undefined;
  const all = sections(bytes);
  for (const { descriptor, valueStart } of all) {
    if (descriptor === section.messageAnnotations) {
      const annotations = items(bytes, valueStart);
      const at = annotations.findIndex((key) => readText(bytes, key) === 'x-opt-scheduled-enqueue-time');
      if (at >= 0) scheduledFor = readNumber(bytes, annotations[at + 1]!);
    } else if (descriptor === section.properties) {
      const id = items(bytes, valueStart)[0];
      messageId = id && (readText(bytes, id) ?? readNumber(bytes, id)?.toString());
    }
  }
  checkPropertySizes(bytes, all);
  // A copy, because the bytes are part of a larger buffer that was received from the socket.
  const payload = messageId === undefined ? withMessageId(bytes) : Buffer.from(bytes);
  const sectionOf = (wanted: number) => all.find(({ descriptor }) => descriptor === wanted);
  const timeToLiveMs = readTimeToLive(bytes, sectionOf(section.header), sectionOf(section.properties));
  return { payload, messageId, scheduledFor, timeToLiveMs };
}

/** Adds a message id. Service Bus does the same if the sender gave no id, and the SDK's lock renewal needs an id. */
function withMessageId(bytes: Buffer): Buffer {
  const properties = sections(bytes).find(({ descriptor }) => descriptor === section.properties);
  const values = properties ? items(bytes, properties.valueStart) : [];
  const rest = values.slice(1).map(({ start, end }) => bytes.subarray(start, end));
  const id = encodeString(randomUUID().replaceAll('-', ''));
  return withSection(bytes, section.properties, encodeSection(section.properties, 'list', [id, ...rest]));
}
