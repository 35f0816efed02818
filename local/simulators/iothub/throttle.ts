import { HubError, type HubErrorCode } from './hubError.js';

/** A token bucket with a queue. */
export interface Limits {
  /** Operations that the bucket gains each minute. */
  perMinute: number;
  /** Operations in a full bucket: this number passes at once after a quiet time. */
  burst: number;
  /** Operations that may wait; further operations are refused at once. 0: no operation waits. */
  backlog: number;
  /** Longest wait of an operation before a refusal, milliseconds. */
  holdMs: number;
  /** The N in "Wait N seconds" of a refusal. */
  waitSeconds: number;
  /** Everything passes and is only counted. */
  unthrottled?: boolean;
}

/** The limits, and counts since the start. */
export interface ThrottleState extends Limits {
  /** Operations passed; each device of a bulk call counts. */
  operations: number;
  /** Calls delayed, whether passed or refused later. */
  delayed: number;
  /** Calls refused, by the hub's code. */
  refused: Partial<Record<HubErrorCode, number>>;
  /** Operations waiting now. */
  waiting: number;
  /** Operations that would pass now. */
  available: number;
}

export interface Throttle {
  /**
   * Resolves when a number of operations may happen, at once or after a wait, in the order of the calls. A call with
   * more operations than the full bucket holds passes with a full bucket. The bucket then owes the rest.
   *
   * @throws HubError 429
   */
  take(operations?: number): Promise<void>;
  /** Changes the limits. The bucket is then full, and waiting calls are examined again. */
  set(limits: Limits): void;
  state(): ThrottleState;
  /** Waiting calls never resolve: their connections are about to be closed. */
  close(): void;
}

/** A clock, replaceable in tests. */
export interface Clock {
  /** Milliseconds since any fixed time. */
  now(): number;
  /** @returns a function to cancel the call */
  after(ms: number, run: () => void): () => void;
}

const realClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

interface Waiting {
  operations: number;
  /** Time on the clock. */
  until: number;
  pass(): void;
  refuse(error: HubError): void;
}

export function createThrottle(initial: Limits, clock = realClock): Throttle {
  let limits = { ...initial };
  let available = limits.burst;
  let refilledAt = clock.now();
  let queue: Waiting[] = [];
  let cancel = () => {};
  const counts = { operations: 0, delayed: 0 };
  const refused: ThrottleState['refused'] = {};

  const refill = () => {
    const now = clock.now();
    available = Math.min(limits.burst, available + ((now - refilledAt) * limits.perMinute) / 60_000);
    refilledAt = now;
    return now;
  };
  const needed = (operations: number) => Math.min(operations, limits.burst) - 1e-9; // Rounding must not cost a turn.
  const mayPass = (operations: number) => limits.unthrottled || available >= needed(operations);
  const spend = (operations: number) => {
    if (!limits.unthrottled) available -= operations;
    counts.operations += operations;
  };
  const throttled = (code: HubErrorCode) => {
    refused[code] = (refused[code] ?? 0) + 1;
    const { waitSeconds } = limits;
    return new HubError(code, `The request has been throttled. Wait ${waitSeconds} seconds and try again.`);
  };
  const waiting = () => queue.reduce((sum, { operations }) => sum + operations, 0);

  const workOff = () => {
    cancel();
    const now = refill();
    for (let head = queue[0]; head; head = queue[0]) {
      if (mayPass(head.operations)) {
        spend(head.operations);
        head.pass();
      } else if (head.until <= now) {
        head.refuse(throttled('ThrottlingBacklogTimeout'));
      } else {
        const untilItFits = ((needed(head.operations) - available) * 60_000) / limits.perMinute;
        cancel = clock.after(Math.ceil(Math.min(untilItFits, head.until - now)), workOff);
        return;
      }
      queue.shift();
    }
  };

  return {
    async take(operations = 1) {
      const now = refill();
      if (queue.length === 0 && mayPass(operations)) return spend(operations);
      if (limits.backlog === 0) throw throttled('ThrottlingException');
      if (waiting() + operations > limits.backlog) throw throttled('ThrottleBacklogLimitExceeded');
      counts.delayed += 1;
      await new Promise<void>((pass, refuse) => {
        queue.push({ operations, until: now + limits.holdMs, pass, refuse });
        workOff();
      });
    },
    set(given) {
      limits = { ...given };
      available = limits.burst;
      workOff();
    },
    state() {
      refill();
      return {
        ...limits,
        ...counts,
        refused: { ...refused },
        waiting: waiting(),
        available: Math.max(0, Math.floor(available)),
      };
    },
    close() {
      cancel();
      queue = [];
    },
  };
}

export const tiers = ['F1', 'S1', 'S2', 'S3'] as const;
export type Tier = (typeof tiers)[number];

/** A hub's size, as sold. */
export interface Size {
  tier: Tier;
  /** Number of units; a free hub has only one. */
  units: number;
}

/** Limits of one unit for one minute (Microsoft: "IoT Hub quotas and throttling"). */
const perUnit: Record<Tier, { registry: number; queries: number; devices: number }> = {
  F1: { registry: 100, queries: 20, devices: 500 },
  S1: { registry: 100, queries: 20, devices: 1_000_000 },
  S2: { registry: 100, queries: 20, devices: 1_000_000 },
  S3: { registry: 5000, queries: 1000, devices: 1_000_000 },
};

/** Registry operations: create, get, list, update and delete count together. */
export const registryLimits = ({ tier, units }: Size): Limits => limits(perUnit[tier].registry * units);

/** Queries have a separate throttle. */
export const queryLimits = ({ tier, units }: Size): Limits => limits(perUnit[tier].queries * units);

/** A free hub holds 500 devices, any other hub a million, regardless of the number of units. */
export const maxDevices = ({ tier }: Size): number => perUnit[tier].devices;

/**
 * Derives all limits from a rate. By Microsoft's description, at least a minute's worth passes at once, then
 * operations wait in a queue for their turn at the rate, then 429 follows. Microsoft gives no numbers for the queue.
 * The 40 s and the 10 s are from a public log of a refused call.
 */
export function limits(perMinute: number): Limits {
  return { perMinute, burst: perMinute, backlog: perMinute, holdMs: 40_000, waitSeconds: 10 };
}

export const unlimited: Limits = { ...limits(Number.MAX_SAFE_INTEGER), unthrottled: true };
