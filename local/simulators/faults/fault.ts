import { z } from 'zod';

/**
 * What a simulator is told to get wrong.
 *
 * A fault says which requests it is for (`method`, `path`, `probability`, `times`), how long they wait (`delayMs`), and at most
 * one thing that happens to them: `status`, `reset`, `hang` or `halfAnswer`. Without one it only slows them down.
 * Faults are looked at in the order in which they were added; the first that applies and is more than a delay decides.
 *
 * ```json
 * { "method": "PUT", "path": "^/devices/", "probability": 0.1, "status": 429, "headers": { "Retry-After": "3" } }
 * { "method": "POST", "path": "device_environment_variable", "times": 1, "reset": true, "effect": "now" }
 * { "delayMs": [20, 80] }
 * ```
 */
export interface Fault extends z.infer<typeof fault> {}

const milliseconds = z.number().min(0).max(3_600_000);

const fields = z.strictObject({
  /** HTTP method, in any case; without it every method. */
  method: z
    .string()
    .regex(/^[A-Za-z]+$/, 'send an HTTP method, such as "PUT"')
    .transform((method) => method.toUpperCase())
    .optional(),
  /** Regular expression on the decoded path and query, such as `^/v7/device\\?.*uuid eq`; without it every path. */
  path: z.string().refine(isPattern, 'send a regular expression, such as "^/devices/"').optional(),
  /** From 0 to 1: how many of the matching requests it hits, drawn from a seeded generator. Default 1. */
  probability: z.number().min(0).max(1).optional(),
  /** It is over after so many hits. Default: never. */
  times: z.int().positive().optional(),
  /** Milliseconds that the request waits first: a number, or [least, most] to draw from evenly. */
  delayMs: z
    .union(
      [milliseconds, z.tuple([milliseconds, milliseconds])],
      'send milliseconds: a number, or [least, most]',
    )
    .optional(),
  /** Refused with this HTTP status. */
  status: z.int().min(200).max(599).optional(),
  /** Headers of the refusal. */
  headers: z.record(z.string(), z.string()).optional(),
  /** Body of the refusal: text as it is, anything else as JSON. */
  body: z.json().optional(),
  /** The connection is destroyed without an answer. */
  reset: z.literal(true).optional(),
  /** There is never an answer; the connection stays open. */
  hang: z.literal(true).optional(),
  /** The headers and the first half of the body, then the connection is destroyed. */
  halfAnswer: z.literal(true).optional(),
  /** Whether the request does what it asked for all the same: not at all (default), at once, or so many milliseconds later. */
  effect: z
    .union(
      [z.enum(['none', 'now']), z.strictObject({ lateMs: milliseconds })],
      'send "none", "now" or {"lateMs": 500}',
    )
    .optional(),
});

const fault = fields.superRefine((given, context) => {
  const outcomes = (['status', 'reset', 'hang', 'halfAnswer'] as const).filter((name) => given[name]);
  const wrong = (message: string) => context.addIssue({ code: 'custom', message });
  if (outcomes.length > 1)
    wrong(`send only one of status, reset, hang, halfAnswer, not ${outcomes.join(' and ')}`);
  if (outcomes.length === 0 && given.delayMs === undefined) {
    wrong('send what goes wrong: one of status, reset, hang, halfAnswer, or delayMs');
  }
  if (outcomes.length === 0 && given.effect !== undefined)
    wrong('effect needs one of status, reset, hang, halfAnswer');
  if (!given.status && (given.headers || given.body !== undefined)) wrong('headers and body need a status');
});

/** An array of faults, as `PUT /faults` takes them. */
export const manyFaults = z.array(fault);

/** One fault or an array of them, as `POST /faults` takes them. */
export const oneOrManyFaults = z.preprocess((given) => (Array.isArray(given) ? given : [given]), manyFaults);

/** Whether it does more than to slow a request down. */
export function decides(given: Fault): boolean {
  return Boolean(given.status || given.reset || given.hang || given.halfAnswer);
}

function isPattern(text: string): boolean {
  try {
    return Boolean(new RegExp(text));
  } catch {
    return false;
  }
}
