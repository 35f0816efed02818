import { BrokerError } from '../engine/BrokerError.js';

/** The bytes from `start` up to, but not including, `end`. */
export interface Range {
  start: number;
  end: number;
}

export const malformed = (what: string) =>
  new BrokerError('argument', `The message is not valid AMQP: ${what}.`);

/** Widths by the upper half of the type code: AMQP 1.0 part 1, section 1.2. */
const fixedWidths: Record<number, number> = { 4: 0, 5: 1, 6: 2, 7: 4, 8: 8, 9: 16 };
const narrowSized = new Set([0xa, 0xc, 0xe]);
const wideSized = new Set([0xb, 0xd, 0xf]);

/**
 * Finds the end of the value that begins at `at`.
 * @throws BrokerError `argument` if the value is incomplete or has an unknown type
 */
export function valueEnd(bytes: Buffer, at: number): number {
  const code = bytes[at];
  if (code === undefined) throw malformed('it ends in the middle of a value');
  if (code === 0x00) return valueEnd(bytes, valueEnd(bytes, at + 1));
  const kind = code >> 4;
  let end = at + 1;
  if (kind in fixedWidths) end += fixedWidths[kind]!;
  else if (narrowSized.has(kind)) end += 1 + (bytes[at + 1] ?? bytes.length);
  else if (wideSized.has(kind))
    end += 4 + (at + 5 <= bytes.length ? bytes.readUInt32BE(at + 1) : bytes.length);
  else throw malformed(`type 0x${code.toString(16)} is unknown`);
  if (end > bytes.length) throw malformed('it ends in the middle of a value');
  return end;
}

/** The values of the list or map that begins at `at`, in order. A map alternates keys and values. */
export function items(bytes: Buffer, at: number): Range[] {
  const code = bytes[at];
  if (code === 0x45) return [];
  const isWide = code === 0xd0 || code === 0xd1;
  if (!isWide && code !== 0xc0 && code !== 0xc1) throw malformed('a list or map was expected');
  const end = valueEnd(bytes, at);
  const count = isWide ? bytes.readUInt32BE(at + 5) : bytes.readUInt8(at + 2);
  const found: Range[] = [];
  let start = at + (isWide ? 9 : 3);
  for (let n = 0; n < count; n++) {
    const itemEnd = valueEnd(bytes, start);
    if (itemEnd > end) throw malformed('an item reaches beyond its list');
    found.push({ start, end: itemEnd });
    start = itemEnd;
  }
  return found;
}

/** A string, symbol, binary or uuid as text; undefined for any other type. */
export function readText(bytes: Buffer, { start, end }: Range): string | undefined {
  switch (bytes[start]) {
    case 0xa1:
    case 0xa3:
      return bytes.toString('utf8', start + 2, end);
    case 0xb1:
    case 0xb3:
      return bytes.toString('utf8', start + 5, end);
    case 0xa0:
      return bytes.toString('hex', start + 2, end);
    case 0xb0:
      return bytes.toString('hex', start + 5, end);
    case 0x98:
      return bytes.toString('hex', start + 1, end);
    default:
      return undefined;
  }
}

/** An unsigned integer or a timestamp; undefined for any other type. */
export function readNumber(bytes: Buffer, { start }: Range): number | undefined {
  switch (bytes[start]) {
    case 0x43:
    case 0x44:
      return 0;
    case 0x52:
    case 0x53:
      return bytes.readUInt8(start + 1);
    case 0x70:
      return bytes.readUInt32BE(start + 1);
    case 0x80:
      return Number(bytes.readBigUInt64BE(start + 1));
    case 0x81:
    case 0x83:
      return Number(bytes.readBigInt64BE(start + 1));
    default:
      return undefined;
  }
}

export const encodedNull = Buffer.of(0x40);

export function encodeUint(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(5);
  bytes[0] = 0x70;
  bytes.writeUInt32BE(value, 1);
  return bytes;
}

export const encodeLong = (value: number) => encode64(0x81, value);

export const encodeTimestamp = (value: number) => encode64(0x83, value);

function encode64(code: number, value: number): Buffer {
  const bytes = Buffer.allocUnsafe(9);
  bytes[0] = code;
  bytes.writeBigInt64BE(BigInt(value), 1);
  return bytes;
}

export const encodeSmallInt = (value: number) => Buffer.of(0x54, value);

/** @param text at most 255 bytes */
export const encodeSymbol = (text: string) =>
  Buffer.concat([Buffer.of(0xa3, text.length), Buffer.from(text, 'ascii')]);

/** @param text at most 255 bytes */
export const encodeString = (text: string) => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.of(0xa1, bytes.length), bytes]);
};

/** Encodes a section of a message (AMQP 1.0 part 3, section 3.2) with a list or a map as value. */
export function encodeSection(descriptor: number, kind: 'list' | 'map', values: Buffer[]): Buffer {
  const head = Buffer.allocUnsafe(12);
  const size = values.reduce((sum, { length }) => sum + length, 4);
  head.set([0x00, 0x53, descriptor, kind === 'list' ? 0xd0 : 0xd1]);
  head.writeUInt32BE(size, 4);
  head.writeUInt32BE(values.length, 8);
  return Buffer.concat([head, ...values], size + 8);
}
