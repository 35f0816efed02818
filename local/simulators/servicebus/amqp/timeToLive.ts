import type { EpochMs } from '../../../../src/shared/time.js';
import { type Section, section, sections, withSection } from './messageSections.js';
import {
  encodedNull,
  encodeSection,
  encodeTimestamp,
  encodeUint,
  items,
  type Range,
  readNumber,
} from './wire.js';

/** The positions of fields: AMQP 1.0 part 3, sections 3.2.1 and 3.2.4. */
const timeToLiveAt = 2;
const absoluteExpiryTimeAt = 8;
const creationTimeAt = 9;

/** The header has room for 49.7 days. */
const maxHeaderMs = 2 ** 32 - 1;

/**
 * Reads the time to live of a message, in milliseconds. For a longer time than the header has room for, senders give the
 * absolute expiry time.
 * @param header the section of the header
 * @param properties the section of the properties
 */
export function readTimeToLive(bytes: Buffer, header?: Section, properties?: Section): number | undefined {
  const inHeader = header && numberOf(bytes, items(bytes, header.valueStart)[timeToLiveAt]);
  const fields = properties ? items(bytes, properties.valueStart) : [];
  const expiry = numberOf(bytes, fields[absoluteExpiryTimeAt]);
  const creation = numberOf(bytes, fields[creationTimeAt]);
  if (expiry !== undefined && creation !== undefined && expiry - creation > maxHeaderMs)
    return expiry - creation;
  return inHeader;
}

const numberOf = (bytes: Buffer, field: Range | undefined) => field && readNumber(bytes, field);

/**
 * Shows another time to live in an encoded message: in the header and, if the sender gave the time, in the absolute expiry
 * time. The .NET SDK reads the time to live as the difference between absolute expiry time and creation time.
 * @param now used if the message has no creation time
 */
export function withTimeToLive(payload: Buffer, timeToLiveMs: number, now: EpochMs): Buffer {
  const shown = encodeUint(Math.min(timeToLiveMs, maxHeaderMs));
  const changed = withField(payload, section.header, timeToLiveAt, shown);
  const properties = sections(changed).find(({ descriptor }) => descriptor === section.properties);
  const fields = properties ? items(changed, properties.valueStart) : [];
  if (numberOf(changed, fields[absoluteExpiryTimeAt]) === undefined) return changed;
  const creation = numberOf(changed, fields[creationTimeAt]) ?? now;
  return withField(
    changed,
    section.properties,
    absoluteExpiryTimeAt,
    encodeTimestamp(creation + timeToLiveMs),
  );
}

/** Replaces one field of a section with a list as value. */
function withField(payload: Buffer, descriptor: number, at: number, value: Buffer): Buffer {
  const found = sections(payload).find((one) => one.descriptor === descriptor);
  const fields = (found ? items(payload, found.valueStart) : []).map(({ start, end }) =>
    payload.subarray(start, end),
  );
  while (fields.length <= at) fields.push(encodedNull);
  fields[at] = value;
  return withSection(payload, descriptor, encodeSection(descriptor, 'list', fields));
}
