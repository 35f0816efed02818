import { z } from 'zod';
import { uuid } from '../uuid.js';
import { letterStatuses } from './Letter.js';
import { Refused } from './Refused.js';

const when = z.string().max(40);

/** Which dead letters; all of what is named must hold. */
export const letterFilter = z.strictObject({
  code: z.string().max(100).optional(),
  step: z.enum(['validate', 'mint', 'register', 'store', 'remove']).optional(),
  /** A fleet's slug. */
  fleet: z.string().max(255).optional(),
  uuid: uuid.optional(),
  /** Failed since: ISO 8601, or a span before now such as 2h. */
  since: when.optional(),
  /** Failed before. */
  until: when.optional(),
  status: z.enum(letterStatuses).optional(),
  /** Of one letter in the dead-letter queue. */
  sequenceNumber: z.string().regex(/^\d+$/, 'must be a whole number').optional(),
});

export type LetterFilter = z.infer<typeof letterFilter>;

/** Which provisioned devices to rotate; all of what is named must hold. */
export const rotateFilter = z.strictObject({
  uuid: uuid.optional(),
  fleet: z.string().max(255).optional(),
  /** Certificates made before: ISO 8601, or a span before now such as 2h. */
  mintedBefore: when.optional(),
});

export type RotateFilter = z.infer<typeof rotateFilter>;

/** @throws Refused naming the field that is wrong, and the fields that there are */
export function parseFilter<T extends z.ZodObject>(schema: T, filter: unknown): z.infer<T> {
  const parsed = schema.safeParse(filter);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const known = Object.keys(schema.shape).join(', ');
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : null;
  throw new Refused(
    'ops.bad-filter',
    unknown === null
      ? `The filter's "${issue?.path.join('.')}" is wrong: ${issue?.message}. There are: ${known}.`
      : `The filter has no field ${unknown}. There are: ${known}.`,
  );
}
