import fc from 'fast-check';
import { text } from './texts.js';

const encoder = new TextEncoder();
const limit = 16 * 1024;

type Mutation = (bytes: Uint8Array) => Uint8Array;

const always: Mutation[] = [
  (bytes) => bytes,
  (bytes) => Buffer.concat([bytes, bytes]),
  (bytes) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
  (bytes) => Buffer.from(Buffer.from(bytes).toString(), 'utf16le'),
  (bytes) => new Uint8Array(3 * limit).fill(bytes[0] ?? 0x7b),
];

const truncate =
  (at: number): Mutation =>
  (bytes) =>
    bytes.subarray(0, at % (bytes.length + 1));

const append =
  (more: Uint8Array): Mutation =>
  (bytes) =>
    Buffer.concat([bytes, more]);

const replace =
  ([at, byte]: [number, number]): Mutation =>
  (bytes) => {
    const changed = Uint8Array.from(bytes);
    if (changed.length > 0) changed[at % changed.length] = byte;
    return changed;
  };

/** Adds white space to JSON without a change of meaning. */
const pad =
  (size: number): Mutation =>
  (bytes) => {
    const padded = new Uint8Array(Math.max(size, bytes.length)).fill(0x20);
    padded.set(bytes);
    return padded;
  };

const mutations = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...always) },
  { weight: 1, arbitrary: fc.nat({ max: 200 }).map(truncate) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }).map(append) },
  { weight: 1, arbitrary: fc.tuple(fc.nat({ max: 200 }), fc.nat({ max: 255 })).map(replace) },
  // Just below, at and above the limit.
  { weight: 1, arbitrary: fc.integer({ min: limit - 3, max: limit + 3 }).map(pad) },
);

export const body: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(text, mutations).map(([each, mutate]) => mutate(encoder.encode(each))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.constant(new Uint8Array()) },
);
