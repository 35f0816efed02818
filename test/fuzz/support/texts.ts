import fc from 'fast-check';

/** Devices unknown to balena. The number is small, so that requests meet the records of earlier requests. */
export const uuids = ['0', '1', '2', '3', 'a', 'f'].map((digit) => digit.repeat(32));

const keys = fc.constantFrom(
  'uuid',
  'balena_service',
  'type',
  'data',
  'device',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'UUID',
  'uuid ',
  '',
);
const key = fc.oneof({ weight: 4, arbitrary: keys }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) });

const uuid = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...uuids) },
  { weight: 1, arbitrary: fc.constantFrom(...uuids.map((each) => each.toUpperCase()), `${'e'.repeat(62)}`) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 70 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\u0130'.repeat(32), `${'0'.repeat(31)}\u212a`, `${'0'.repeat(32)}\n`),
  },
);

/** JSON that JavaScript objects cannot represent: numbers past all bounds, lone surrogates, nulls in strings. */
const literal = fc.constantFrom(
  '1e999',
  '-1e999',
  '123456789012345678901234567890',
  '-0',
  '0.1e-400',
  'null',
  'true',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"undefined"',
  '[]',
  '{}',
  'NaN',
  '01',
  "'x'",
);

const value: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: uuid.map((text) => JSON.stringify(text)) },
  { weight: 3, arbitrary: literal },
  { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(key, uuid)
      .map(([name, text]) => `{${JSON.stringify(name)}: ${JSON.stringify(text)}}`),
  },
);

/** Objects with any keys, duplicate keys included. */
const object = fc
  .array(fc.tuple(key, value), { maxLength: 5 })
  .map((pairs) => `{${pairs.map(([name, text]) => `${JSON.stringify(name)}: ${text}`).join(', ')}}`);

const type = fc.oneof(
  fc.constantFrom('created', 'online', 'updated', 'deleted', 'device.created', 'x.', '.', 'constructor'),
  fc.string({ maxLength: 120 }),
);
/** A valid value, or a value with a small error. */
const request = fc
  .record(
    {
      uuid,
      balena_service: fc.oneof(fc.constantFrom('main', '', 'undefined'), fc.string({ maxLength: 300 })),
    },
    { requiredKeys: ['uuid'] },
  )
  .map((body) => JSON.stringify(body));
const event = fc
  .tuple(type, uuid, fc.constantFrom('data', 'device', 'data.device', 'data.data', '__proto__'))
  .map(([name, id, where]) => {
    const device = where
      .split('.')
      .reduceRight<string>(
        (inner, part) => `{${JSON.stringify(part)}: ${inner}}`,
        JSON.stringify({ uuid: id }),
      );
    return `{"type": ${JSON.stringify(name)}, ${device.slice(1)}`;
  });

const deep = fc
  .tuple(fc.constantFrom('[', '{"uuid":', '{"data":', '{"__proto__":'), fc.integer({ min: 1, max: 3_000 }))
  .map(([open, times]) => open.repeat(times));

export const text = fc.oneof(
  { weight: 5, arbitrary: request },
  { weight: 4, arbitrary: event },
  { weight: 5, arbitrary: object },
  { weight: 1, arbitrary: value },
  { weight: 1, arbitrary: deep },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) },
);
