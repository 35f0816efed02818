import { z } from 'zod';
import { step, uuid } from '../shared/schemas.js';
import { deadLetterStatuses } from './deadLetters/schema.js';
import { RequestError } from './requestError.js';

const when = z.string().max(40);

/** Which dead letters; all of what is named must hold. */
export const deadLetterFilter = z.strictObject({
  code: z.string().max(100).optional(),
  step: step.optional(),
  fleet: z.string().max(255).optional().describe("a fleet's slug"),
  uuid: uuid.optional(),
  since: when.optional().describe('failed since: ISO 8601, or a span before now such as 30m, 2h, 7d'),
  until: when.optional().describe('failed before: ISO 8601, or a span before now such as 30m, 2h, 7d'),
  status: z.enum(deadLetterStatuses).optional(),
  sequenceNumber: z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .optional()
    .describe('of one letter in the dead-letter queue'),
});

export type DeadLetterFilter = z.infer<typeof deadLetterFilter>;

/** Which certificates to rotate; all of what is named must hold. */
export const rotateFilter = z.strictObject({
  uuid: uuid.optional(),
  fleet: deadLetterFilter.shape.fleet,
  service: z.string().max(255).optional().describe("a service's name, or '' for the device level"),
  mintedBefore: when
    .optional()
    .describe(
      'made before: ISO 8601, or a span before now such as 30m, 2h, 7d (dates of certificates are five minutes early)',
    ),
});

/** Of any action; which of it an action takes is said by its own. */
export const actionFilter = z.strictObject({ ...deadLetterFilter.shape, ...rotateFilter.shape });

/**
 * What was sent, in the form that a schema wants.
 *
 * @param what it is, for the error
 * @throws Refused
 */
export function parse<T extends z.ZodObject>(schema: T, sent: unknown, what = 'request'): z.output<T> {
  const parsed = schema.safeParse(sent);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const known = Object.keys(schema.shape).join(', ');
  if (issue?.code === 'unrecognized_keys')
    throw new RequestError(
      `ops.bad-${what}`,
      `The ${what} has no field ${issue.keys.join(', ')}. There are: ${known}.`,
    );
  const path = issue?.path.join('.');
  const where = path ? `The ${what}'s "${path}" is wrong` : `The ${what} is wrong`;
  throw new RequestError(`ops.bad-${what}`, `${where}: ${issue?.message}. There are: ${known}.`);
}

const spans: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A moment as people write it: ISO 8601, or a span before now such as 30m, 2h, 7d.
 *
 * @param name of the filter, for the error
 * @param now Unix ms
 * @returns Unix ms
 * @throws Refused
 */
export function parseWhen(name: string, text: string, now: number): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  const at = count === undefined ? date : now - Number(count) * spans[unit]!;
  // A span can be so long that there is no date for it.
  if (Number.isFinite(new Date(at).getTime())) return at;
  throw new RequestError(
    'ops.bad-filter',
    `"${name}" must be a date and time (2026-11-24T03:00:00Z), or a span before now (30m, 2h, 7d).`,
  );
}
