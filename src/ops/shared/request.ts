import type { z } from 'zod';
import { oneLine } from '../../shared/printable.js';
import type { EpochMs } from '../../shared/time.js';

/** A request of an operator is invalid, or impossible in the present state. The message says how to correct the request. */
export class RequestError extends Error {
  constructor(
    /** Stable, for programs. */
    readonly code: `ops.${string}`,
    message: string,
    readonly status: 400 | 404 | 409 = 400,
  ) {
    super(message);
    this.name = 'RequestError';
  }
}

/**
 * Checks a request of an operator against a schema.
 *
 * @param name names the checked object in the error: `request` or `filter`
 * @returns the parsed request, with the schema's defaults
 * @throws RequestError `ops.bad-<name>`
 */
export function parse<T extends z.ZodObject>(schema: T, sent: unknown, name = 'request'): z.output<T> {
  const parsed = schema.safeParse(sent);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const known = `Known fields: ${Object.keys(schema.shape).join(', ')}.`;
  if (issue?.code === 'unrecognized_keys')
    throw new RequestError(`ops.bad-${name}`, `The ${name} has no field ${issue.keys.join(', ')}. ${known}`);
  const path = issue?.path.join('.');
  if (issue?.code === 'invalid_value' && path)
    throw new RequestError(
      `ops.bad-${name}`,
      `The ${name}'s "${path}" cannot be ${valueAt(sent, issue.path)}. Known values: ${issue.values.join(', ')}.`,
    );
  const where = path ? `The ${name}'s "${path}" is wrong` : `The ${name} is wrong`;
  throw new RequestError(`ops.bad-${name}`, `${where}: ${issue?.message}. ${known}`);
}

/** The sent value at a path, as text for an error. */
function valueAt(sent: unknown, path: readonly PropertyKey[]): string {
  let value = sent;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return oneLine(JSON.stringify(value) ?? 'missing').slice(0, 100);
}

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads a time as operators write times: ISO 8601, or a duration before now (30m, 2h, 7d).
 *
 * @param name the field's name, for the error
 * @throws RequestError `ops.bad-filter`
 */
export function parseWhen(name: string, text: string, now: EpochMs): EpochMs {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  const at = count === undefined ? date : now - Number(count) * unitMs[unit]!;
  // A very long duration before now is outside the range of Date.
  if (Number.isFinite(new Date(at).getTime())) return at;
  throw new RequestError(
    'ops.bad-filter',
    `"${name}" must be a date and time (2026-11-24T03:00:00Z), or a duration before now (30m, 2h, 7d).`,
  );
}
