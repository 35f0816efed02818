import { randomUUID } from 'node:crypto';
import fc from 'fast-check';

const number = fc.oneof(
  fc.nat(),
  fc.constantFrom(-1, 0, 0.5, 1e308, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER + 1, 8.64e15, 2 ** 31),
);
const service = fc.oneof(
  fc.constantFrom('main', '', null, '__proto__', 'constructor', '\u0000', '\ud800', "x' or 1 eq 1"),
  fc.string({ unit: 'binary', maxLength: 300 }),
);
const hex = fc.constantFrom(...'0123456789abcdef');

/** A message in the format of this product, about an unknown device, with any numbers. */
export const likeOurs = fc.record({
  v: fc.constant(1),
  uuid: fc.string({ unit: hex, minLength: 32, maxLength: 32 }),
  requestId: fc.constant(0).map(() => randomUUID()),
  generation: fc.oneof(fc.nat(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER)),
  due: fc.oneof(fc.nat(), fc.constantFrom(0, Date.now(), Number.MAX_SAFE_INTEGER)),
  operation: fc.constantFrom('provision', 'deprovision'),
  service,
});

const anything = fc.oneof(
  number,
  service,
  fc.boolean(),
  fc.json({ maxDepth: 2 }).map((text): unknown => JSON.parse(text)),
);
const field = fc.constantFrom(
  'v',
  'uuid',
  'requestId',
  'generation',
  'due',
  'operation',
  'service',
  'extra',
  'constructor',
  'toString',
);

/** A message with one or two fields changed or missing. */
export const nearlyOurs = fc
  .tuple(likeOurs, fc.array(fc.tuple(field, fc.option(anything)), { minLength: 1, maxLength: 2 }))
  .map(([message, changes]) => {
    const changed: Record<string, unknown> = { ...message };
    for (const [name, value] of changes) {
      if (value === null) delete changed[name];
      else changed[name] = value;
    }
    return changed;
  });

/** Messages that another program might put into the queue. */
export const foreign: fc.Arbitrary<unknown> = fc.oneof(
  anything,
  fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
  fc.array(anything, { maxLength: 3 }),
  fc.constantFrom('', '{', '{"v": 1}', '{"v": 2, "__proto__": {"v": 1}}', '\ufeff{}', '[[[[[[', 'null'),
);
