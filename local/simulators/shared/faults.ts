import { z } from 'zod';

/**
 * A fault that a simulator shows.
 *
 * A fault selects requests (`method`, `path`, `subject`, `probability`, `times`), delays them (`delayMs`), and does at most one
 * of four things to the selected requests: `status`, `reset`, `hang` or `halfAnswer`. A fault with none of the four
 * only delays the request. Faults are examined in the order of their addition. The first matching fault with one of
 * the four things decides.
 *
 * ```json
 * { "method": "PUT", "path": "^/devices/", "probability": 0.1, "status": 429, "headers": { "Retry-After": "3" } }
 * { "method": "POST", "path": "device_environment_variable", "times": 1, "reset": true, "effect": "now" }
 * { "subject": "acme/pumps", "method": "POST", "status": 500 }
 * { "status": 503, "gateway": true }
 * { "delayMs": [20, 80] }
 * ```
 */
export interface Fault extends z.infer<typeof fault> {}

const milliseconds = z.number().min(0).max(3_600_000);

const fields = z.strictObject({
  /** HTTP method, in any case. Default: every method. */
  method: z
    .string()
    .regex(/^[A-Za-z]+$/, 'send an HTTP method, such as "PUT"')
    .transform((method) => method.toUpperCase())
    .optional(),
  /** Regular expression on the decoded path and query, for example `^/v7/device\\?.*uuid eq`. Default: every path. */
  path: z.string().refine(isPattern, 'send a regular expression, such as "^/devices/"').optional(),
  /**
   * A subject of the request, as the simulator names subjects. The simulator of balena names the uuid of a device and
   * the slug of a fleet. Default: every subject.
   */
  subject: z.string().optional(),
  /** Share of the matching requests that the fault hits, from 0 to 1, drawn from a seeded generator. Default 1. */
  probability: z.number().min(0).max(1).optional(),
  /** The fault ends after this number of hits. Default: never. */
  times: z.int().positive().optional(),
  /** Delay of the request, milliseconds: a number, or [least, most] for an evenly distributed random delay. The end of the faults ends the delay. */
  delayMs: z
    .union(
      [milliseconds, z.tuple([milliseconds, milliseconds])],
      'send milliseconds: a number, or [least, most]',
    )
    .optional(),
  /** HTTP status of the answer, instead of the real answer. */
  status: z.int().min(200).max(599).optional(),
  /** Headers of the answer. */
  headers: z.record(z.string(), z.string()).optional(),
  /** Body of the answer: text is sent unchanged, any other value as JSON. */
  body: z.json().optional(),
  /** The body is the HTML page of a gateway that stands before the service. */
  gateway: z.literal(true).optional(),
  /** The connection is destroyed without an answer. */
  reset: z.literal(true).optional(),
  /** No answer is ever sent; the connection stays open. */
  hang: z.literal(true).optional(),
  /** The headers and the first half of the body are sent, then the connection is destroyed. */
  halfAnswer: z.literal(true).optional(),
  /**
   * Whether the request takes effect in spite of the fault: never (default), at once, or after a number of
   * milliseconds.
   */
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
  if (!given.status && (given.headers || given.body !== undefined || given.gateway))
    wrong('headers, body and gateway need a status');
  if (given.gateway && given.body !== undefined) wrong('send only one of body and gateway');
});

/** An array of faults, the body of `PUT /faults`. */
export const manyFaults = z.array(fault);

/** One fault or an array of faults, the body of `POST /faults`. */
export const oneOrManyFaults = z.preprocess((given) => (Array.isArray(given) ? given : [given]), manyFaults);

/** Whether a fault does more than delay a request. */
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

/** The faults' decision about one request. */
export interface Verdict {
  /** Delay before anything else happens, milliseconds. */
  delayMs: number;
  /** The deciding fault, if there is one. */
  fault?: Fault;
}

/** The current faults of a simulator. */
export interface Faults {
  /** Every added fault, with the number of requests hit. */
  list(): Array<Fault & { hits: number }>;
  add(faults: Fault[]): void;
  /** Replaces all faults, and restarts the random generator from its seed. The same run can then be repeated. */
  replace(faults: Fault[]): void;
  /** Restarts the random generator from this seed. */
  seed(seed: number): void;
  /**
   * Counts a hit for each matching fault.
   *
   * @param path decoded path with the query
   * @param subjects finds the subjects of the request. Called only if a fault selects by subject
   */
  judge(method: string, path: string, subjects?: () => string[]): Verdict;
  /** Waits for the delay of a verdict, ms. The end of all faults, or their replacement, ends the delay: a test can hold a request. */
  delay(ms: number): Promise<void>;
}

/** @param seed of the random generator for faults with a probability */
export function createFaults(seed = 1): Faults {
  let from = seed;
  let random = seededRandom(from);
  let rows: Array<{ fault: Fault; path?: RegExp; hits: number }> = [];
  const delayed = new Set<() => void>();
  const row = (fault: Fault) => ({ fault, path: fault.path ? new RegExp(fault.path) : undefined, hits: 0 });

  return {
    list: () => rows.map(({ fault, hits }) => ({ ...fault, hits })),
    add(faults) {
      rows.push(...faults.map(row));
    },
    replace(faults) {
      rows = faults.map(row);
      random = seededRandom(from);
      for (const end of delayed) end();
    },
    seed(given) {
      from = given;
      random = seededRandom(from);
    },
    judge(method, path, subjects = () => []) {
      let delayMs = 0;
      for (const each of rows) {
        const { fault } = each;
        if (fault.method && fault.method !== method) continue;
        if (each.path && !each.path.test(path)) continue;
        if (fault.subject !== undefined && !subjects().includes(fault.subject)) continue;
        if (fault.times !== undefined && each.hits >= fault.times) continue;
        if (fault.probability !== undefined && random() >= fault.probability) continue;
        each.hits += 1;
        delayMs += draw(fault.delayMs, random);
        if (decides(fault)) return { delayMs, fault };
      }
      return { delayMs };
    },
    delay: (ms) =>
      new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer);
          delayed.delete(end);
          resolve();
        };
        const timer = setTimeout(end, ms);
        delayed.add(end);
      }),
  };
}

function draw(delay: Fault['delayMs'], random: () => number): number {
  if (!Array.isArray(delay)) return delay ?? 0;
  const [least, most] = delay;
  return least + random() * (most - least);
}

/**
 * Random numbers from 0 (included) to 1 (excluded), always the same numbers for the same seed. The generator is
 * mulberry32; 32 bits of state are enough for faults.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
