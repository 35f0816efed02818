import type { Message } from '../engine/Message.js';
import { type Section, section, sections } from './messageSections.js';
import {
  encodedNull,
  encodeLong,
  encodeSection,
  encodeSmallInt,
  encodeSymbol,
  encodeTimestamp,
  encodeUint,
  items,
  readText,
} from './wire.js';

/**
 * Annotations that only the broker sets. The broker removes these annotations from sent messages, for example if a received
 * message is sent again. `x-opt-deadletter-source` belongs to a forwarded dead letter, and this broker forwards nothing.
 */
const own = {
  sequenceNumber: 'x-opt-sequence-number',
  enqueuedSequenceNumber: 'x-opt-enqueue-sequence-number',
  enqueuedTime: 'x-opt-enqueued-time',
  lockedUntil: 'x-opt-locked-until',
  state: 'x-opt-message-state',
};
const ownNames = new Set([...Object.values(own), 'x-opt-deadletter-source']);
const symbols = Object.fromEntries(
  Object.entries(own).map(([key, name]) => [key, encodeSymbol(name)]),
) as Record<keyof typeof own, Buffer>;

/** The values of `x-opt-message-state` for active and scheduled messages. */
const activeState = encodeSmallInt(0);
const scheduledState = encodeSmallInt(2);

/** Encodes a message for a receiver: the sent bytes plus the broker's delivery count and annotations. */
export function encodeDelivery(message: Message, payload: Buffer): Buffer {
  const all = sections(payload);
  const header = all.find(({ descriptor }) => descriptor === section.header);
  const annotations = all.find(({ descriptor }) => descriptor === section.messageAnnotations);
  const bare = all.find(({ descriptor }) => descriptor > section.messageAnnotations);
  return Buffer.concat([
    encodeHeader(payload, header, message.deliveryCount),
    ...all
      .filter(({ descriptor }) => descriptor === section.deliveryAnnotations)
      .map(({ start, end }) => payload.subarray(start, end)),
    encodeSection(section.messageAnnotations, 'map', [
      ...sentAnnotations(payload, annotations),
      ...ownAnnotations(message),
    ]),
    payload.subarray(bare?.start ?? payload.length),
  ]);
}

function encodeHeader(payload: Buffer, header: Section | undefined, deliveryCount: number): Buffer {
  const fields = header ? items(payload, header.valueStart) : [];
  const kept = [0, 1, 2, 3].map((n) =>
    fields[n] ? payload.subarray(fields[n].start, fields[n].end) : encodedNull,
  );
  return encodeSection(section.header, 'list', [...kept, encodeUint(deliveryCount)]);
}

function sentAnnotations(payload: Buffer, annotations: Section | undefined): Buffer[] {
  if (!annotations) return [];
  const ranges = items(payload, annotations.valueStart);
  const kept: Buffer[] = [];
  for (let at = 0; at + 1 < ranges.length; at += 2) {
    const [key, value] = [ranges[at]!, ranges[at + 1]!];
    if (!ownNames.has(readText(payload, key) ?? '')) kept.push(payload.subarray(key.start, value.end));
  }
  // Each piece contains a key and its value, but counts as two values. The empty buffer keeps the count right.
  return kept.flatMap((pair) => [pair, Buffer.alloc(0)]);
}

function ownAnnotations(message: Message): Buffer[] {
  const { sequenceNumber, enqueuedSequenceNumber, enqueuedAt, lockedUntil, state } = message;
  const annotations = [
    [symbols.sequenceNumber, encodeLong(sequenceNumber)],
    [symbols.enqueuedSequenceNumber, encodeLong(enqueuedSequenceNumber)],
    [symbols.enqueuedTime, encodeTimestamp(enqueuedAt)],
    [symbols.state, state === 'scheduled' ? scheduledState : activeState],
  ];
  if (lockedUntil !== undefined) annotations.push([symbols.lockedUntil, encodeTimestamp(lockedUntil)]);
  return annotations.flat();
}
