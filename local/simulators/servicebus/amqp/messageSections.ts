import { randomUUID } from 'node:crypto';
import rhea from 'rhea';
import type { NewMessage } from '../engine/Message.js';
import {
  encodeSection,
  encodeString,
  items,
  malformed,
  type Range,
  readNumber,
  readText,
  valueEnd,
} from './wire.js';

/** The descriptors of a message's sections: AMQP 1.0 part 3, section 3.2. */
export const section = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const;

const symbolic: Record<string, number> = {
  'amqp:header:list': section.header,
  'amqp:delivery-annotations:map': section.deliveryAnnotations,
  'amqp:message-annotations:map': section.messageAnnotations,
  'amqp:properties:list': section.properties,
  'amqp:application-properties:map': section.applicationProperties,
  'amqp:data:binary': section.data,
  'amqp:amqp-sequence:list': section.sequence,
  'amqp:amqp-value:*': section.value,
  'amqp:footer:map': section.footer,
};

export interface Section extends Range {
  descriptor: number;
  /** The start of the section's value, after the descriptor. */
  valueStart: number;
}

/**
 * The sections of an encoded message, in order.
 * @throws BrokerError `argument` if the bytes are not a message
 */
export function sections(bytes: Buffer): Section[] {
  const found: Section[] = [];
  let start = 0;
  while (start < bytes.length) {
    if (bytes[start] !== 0x00) throw malformed('a section was expected');
    const valueStart = valueEnd(bytes, start + 1);
    const descriptor = descriptorOf(bytes, { start: start + 1, end: valueStart });
    const end = valueEnd(bytes, valueStart);
    found.push({ descriptor, start, valueStart, end });
    start = end;
  }
  return found;
}

/**
 * Replaces a section of an encoded message, or inserts the section at its place.
 * @param replacement an encoded section
 */
function withSection(bytes: Buffer, descriptor: number, replacement: Buffer): Buffer {
  const all = sections(bytes);
  const before = all.filter((one) => one.descriptor < descriptor);
  const after = all.filter((one) => one.descriptor > descriptor);
  const slice = ({ start, end }: Range) => bytes.subarray(start, end);
  return Buffer.concat([...before.map(slice), replacement, ...after.map(slice)]);
}

function descriptorOf(bytes: Buffer, range: Range): number {
  const code = bytes[range.start];
  let descriptor: number | undefined;
  if (code === 0x53) descriptor = bytes[range.start + 1];
  else if (code === 0x80) descriptor = Number(bytes.readBigUInt64BE(range.start + 1));
  else descriptor = symbolic[readText(bytes, range) ?? ''];
  if (descriptor === undefined || descriptor < section.header || descriptor > section.footer) {
    throw malformed('it has a section of an unknown kind');
  }
  return descriptor;
}

/** Application properties with their values as rhea reads and writes them. */
export type Properties = Record<string, unknown>;

/** Sets application properties in an encoded message. All other bytes stay unchanged. */
export function withProperties(payload: Buffer, changes: Properties): Buffer {
  const encoded = rhea.message.encode({ application_properties: changes });
  const values = [...pairs(payload).filter(({ key }) => !(key in changes)), ...pairs(encoded)];
  const map = encodeSection(
    section.applicationProperties,
    'map',
    values.flatMap(({ keyBytes, valueBytes }) => [keyBytes, valueBytes]),
  );
  return withSection(payload, section.applicationProperties, map);
}

/** Sets the application properties in which receivers look for the reason of a dead letter. */
export const deadLetterPayload = (payload: Buffer, reason: string, description: string): Buffer =>
  withProperties(payload, { DeadLetterReason: reason, DeadLetterErrorDescription: description });

function pairs(bytes: Buffer): { key: string; keyBytes: Buffer; valueBytes: Buffer }[] {
  const properties = sections(bytes).find(({ descriptor }) => descriptor === section.applicationProperties);
  if (!properties) return [];
  const ranges = items(bytes, properties.valueStart);
  const found = [];
  for (let at = 0; at + 1 < ranges.length; at += 2) {
    const [key, value] = [ranges[at]!, ranges[at + 1]!];
    found.push({
      key: readText(bytes, key) ?? '',
      keyBytes: bytes.subarray(key.start, key.end),
      valueBytes: bytes.subarray(value.start, value.end),
    });
  }
  return found;
}

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
  // A copy, because the bytes are part of a larger buffer that was received from the socket.
  const payload = messageId === undefined ? withMessageId(bytes) : Buffer.from(bytes);
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
