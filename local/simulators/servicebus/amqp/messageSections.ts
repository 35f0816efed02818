import { malformed, type Range, readText, valueEnd } from './wire.js';

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
export function withSection(bytes: Buffer, descriptor: number, replacement: Buffer): Buffer {
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
