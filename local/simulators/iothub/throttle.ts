import { HubError, type HubErrorCode } from './hubError.js';

/** A token bucket with a queue behind it. */
export interface Limits {
  /** Operations that the bucket gains each minute. */
  perMinute: number;
  /** Operations that the bucket holds when it is full: so many pass at once after a quiet time. */
  burst: number;
  /** Operations that may wait; more are refused at once. 0: none waits. */
  backlog: number;
  /** How long an operation may wait before it is refused, milliseconds. */
  holdMs: number;
  /** The "Wait N seconds" that a refusal suggests. */
  waitSeconds: number;
  /** Everything passes; only counted. */
  unthrottled?: boolean;
}

/** Its limits and what it did since it was made. */
export interface ThrottleState extends Limits {
  /** Operations that passed, each device of a bulk call counted. */
  operations: number;
  /** Calls that had to wait, whatever became of them. */
  delayed: number;
  /** Calls that were refused, by the hub's code. */
  refused: Partial<Record<HubErrorCode, number>>;
  /** Operations that wait now. */
  waiting: number;
  /** Operations that would pass now. */
  available: number;
}

export interface Throttle {
  /**
   * Resolves when so many operations may happen, at once or after a wait; first come, first served. A call of more operations
   * than a full bucket holds passes when it is full, and the bucket owes the rest.
   *
   * @throws HubError 429
   */
  take(operations?: number): Promise<void>;
  /** Changes the limits. The bucket is full then, and whoever waits is looked at anew. */
  set(limits: Limits): void;
  state(): ThrottleState;
  /** Whoever still waits waits for ever: their connections are about to be closed. */
  close(): void;
}

/** Time, to be replaced in tests. */
export interface Clock {
  /** milliseconds, from any start */
  now(): number;
  /** @returns a function that cancels it */
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
  /** On the clock. */
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
  const fits = (operations: number) => limits.unthrottled || available >= needed(operations);
  const spend = (operations: number) => {
    if (!limits.unthrottled) available -= operations;
    counts.operations += operations;
  };
  const refusal = (code: HubErrorCode) => {
    refused[code] = (refused[code] ?? 0) + 1;
    const { waitSeconds } = limits;
    return new HubError(code, `The request has been throttled. Wait ${waitSeconds} seconds and try again.`);
  };
  const waiting = () => queue.reduce((sum, { operations }) => sum + operations, 0);

  const workOff = () => {
    cancel();
    const now = refill();
    for (let head = queue[0]; head; head = queue[0]) {
      if (fits(head.operations)) {
        spend(head.operations);
        head.pass();
      } else if (head.until <= now) {
        head.refuse(refusal('ThrottlingBacklogTimeout'));
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
      if (queue.length === 0 && fits(operations)) return spend(operations);
      if (limits.backlog === 0) throw refusal('ThrottlingException');
      if (waiting() + operations > limits.backlog) throw refusal('ThrottleBacklogLimitExceeded');
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

/** A hub's size, as it is bought. */
export interface Size {
  tier: Tier;
  /** Of the tier; a free hub has only one. */
  units: number;
}

/** Per unit and minute (Microsoft: "IoT Hub quotas and throttling"). */
const perUnit: Record<Tier, { registry: number; queries: number; devices: number }> = {
  F1: { registry: 100, queries: 20, devices: 500 },
  S1: { registry: 100, queries: 20, devices: 1_000_000 },
  S2: { registry: 100, queries: 20, devices: 1_000_000 },
  S3: { registry: 5000, queries: 1000, devices: 1_000_000 },
};

/** Registry operations: create, get, list, update and delete count together. */
export const registryLimits = ({ tier, units }: Size): Limits => limits(perUnit[tier].registry * units);

/** Queries have a throttle of their own. */
export const queryLimits = ({ tier, units }: Size): Limits => limits(perUnit[tier].queries * units);

/** A free hub holds 500 devices, any other a million, however many units it has. */
export const maxDevices = ({ tier }: Size): number => perUnit[tier].devices;

/**
 * From a rate to all limits. Microsoft describes a minute's worth or more that passes at once, then a queue that is worked off at
 * the rate, then 429, without numbers for the queue. The 40 s and the 10 s are from a public log of a call that was refused.
 */
export function limits(perMinute: number): Limits {
  return { perMinute, burst: perMinute, backlog: perMinute, holdMs: 40_000, waitSeconds: 10 };
}

export const unlimited: Limits = { ...limits(Number.MAX_SAFE_INTEGER), unthrottled: true };
