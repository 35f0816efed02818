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

/** What is to happen to one request. */
export interface Verdict {
  /** To wait first. */
  delayMs: number;
  /** The fault that decides, if one does. */
  fault?: Fault;
}

/** The faults that a simulator has at the moment. */
export interface Faults {
  /** Every fault that was added, with the number of requests that it has hit. */
  list(): Array<Fault & { hits: number }>;
  add(faults: Fault[]): void;
  /** Puts these in place of all others, and starts the random generator anew, so that the same run can be repeated. */
  replace(faults: Fault[]): void;
  /** Starts the random generator anew from this seed. */
  seed(seed: number): void;
  /** Counts a hit for each fault that applies. @param path decoded path with its query */
  judge(method: string, path: string): Verdict;
}

/** @param seed for the faults that have a probability */
export function createFaults(seed = 1): Faults {
  let from = seed;
  let random = seededRandom(from);
  let rows: Array<{ fault: Fault; path?: RegExp; hits: number }> = [];
  const row = (fault: Fault) => ({ fault, path: fault.path ? new RegExp(fault.path) : undefined, hits: 0 });

  return {
    list: () => rows.map(({ fault, hits }) => ({ ...fault, hits })),
    add(faults) {
      rows.push(...faults.map(row));
    },
    replace(faults) {
      rows = faults.map(row);
      random = seededRandom(from);
    },
    seed(given) {
      from = given;
      random = seededRandom(from);
    },
    judge(method, path) {
      let delayMs = 0;
      for (const each of rows) {
        const { fault } = each;
        if (fault.method && fault.method !== method) continue;
        if (each.path && !each.path.test(path)) continue;
        if (fault.times !== undefined && each.hits >= fault.times) continue;
        if (fault.probability !== undefined && random() >= fault.probability) continue;
        each.hits += 1;
        delayMs += draw(fault.delayMs, random);
        if (decides(fault)) return { delayMs, fault };
      }
      return { delayMs };
    },
  };
}

function draw(delay: Fault['delayMs'], random: () => number): number {
  if (!Array.isArray(delay)) return delay ?? 0;
  const [least, most] = delay;
  return least + random() * (most - least);
}

/** Numbers from 0 (included) to 1 (excluded), the same ones for the same seed: mulberry32, 32 bits of state, plenty for faults. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
