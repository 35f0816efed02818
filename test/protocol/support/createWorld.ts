import { setImmediate } from 'node:timers';
import { seededRandom } from '../../../local/simulators/shared/faults.js';

/** A process of the Functions host: a worker, or one that answers HTTP. What it holds in memory dies with it. */
export interface Process {
  readonly name: string;
  /** How far its clock is ahead of true time, ms. */
  readonly skewMs: number;
  alive: boolean;
  /** Stalled until then, true time. */
  pausedUntil: number;
}

/** Somebody waits for the driver's word to go on: a process, or (null) a request on its way through the network. */
export interface Parked {
  process: Process | null;
  /** Not before this time. */
  from: number;
  /** What is on its way arrives by then, whatever becomes of the process that sent it. */
  by: number;
  go(): void;
}

export interface WorldOptions {
  seed: number;
  /** No crash, no pause and no call of unknown outcome: then nothing may ever cut a device off. */
  calm: boolean;
  /** How often calls fail: 1 is a bad day. */
  failing: number;
  /** Keep the history, for people. */
  trace: boolean;
}

export interface World {
  /** True time, Unix ms. */
  now: number;
  faults: boolean;
  readonly calm: boolean;
  readonly random: () => number;
  readonly parked: Parked[];
  readonly history: { at: number; device: string; parts: unknown[] }[];
  /** Until when each system outside cannot be reached. */
  readonly down: { records: number; queue: number; hub: number; balena: number };
  /** What must not happen and did, and on which device. */
  readonly violations: Map<string, string>;
  int(least: number, most: number): number;
  pick<T>(list: readonly T[]): T;
  /** Fails in this share of calls, more or less as the scenario says; never, once the faults have stopped. */
  fails(probability: number): boolean;
  /** Between 0 and 1 for a call: the smaller, the worse; 1 once the faults have stopped. */
  luck(): number;
  /** Never, once the faults have stopped. */
  chance(probability: number): boolean;
  note(device: string, ...parts: unknown[]): void;
  violated(device: string, what: string): void;
  /** Waits for the driver's word, and for a time. A process that has died never goes on. */
  step(process: Process, from?: number): Promise<void>;
  /** A request travels, and has its effect at some moment within this time. */
  arrives<R>(withinMs: number, effect: () => R): Promise<R>;
  at(time: number, go: () => void): void;
  kill(process: Process): void;
  /** Lets one that is parked go on, until everything waits again. */
  resume(one: Parked): Promise<void>;
  /** All code runs until it waits for the driver: microtasks are done before the next immediate. */
  drained(): Promise<void>;
}

/** 2026-01-02. */
const startedAt = Date.UTC(2026, 0, 2);

/**
 * Virtual time, chance by a seed, and everything that waits for its turn. Nothing here happens by itself: the driver chooses
 * who goes on, so that one seed is one history.
 */
export function createWorld({ seed, calm, failing, trace }: WorldOptions): World {
  const random = seededRandom(seed);
  const parked: Parked[] = [];
  const history: World['history'] = [];

  const world: World = {
    now: startedAt,
    faults: true,
    calm,
    random,
    parked,
    history,
    down: { records: 0, queue: 0, hub: 0, balena: 0 },
    violations: new Map(),
    int: (least, most) => least + Math.floor(random() * (most - least + 1)),
    pick: (list) => list[Math.floor(random() * list.length)]!,
    luck: () => (world.faults ? random() / failing : 1),
    fails: (probability) => world.luck() < probability,
    chance: (probability) => world.faults && random() < probability,
    note(device, ...parts) {
      if (trace) history.push({ at: world.now, device, parts });
    },
    violated(device, what) {
      world.note(device, 'VIOLATION', what);
      if (!world.violations.has(what)) world.violations.set(what, device);
    },
    step: (process, from = world.now) =>
      new Promise<void>((resolve) => {
        if (process.alive) parked.push({ process, from, by: Number.POSITIVE_INFINITY, go: resolve });
      }),
    arrives: (withinMs, effect) =>
      new Promise((resolve) => {
        const go = () => resolve(effect());
        parked.push({ process: null, from: world.now, by: world.now + withinMs, go });
      }),
    at(time, go) {
      parked.push({ process: null, from: time, by: time, go });
    },
    kill(process) {
      process.alive = false;
      for (let i = parked.length - 1; i >= 0; i -= 1) {
        if (parked[i]?.process === process) parked.splice(i, 1);
      }
    },
    async resume(one) {
      parked.splice(parked.indexOf(one), 1);
      one.go();
      await world.drained();
    },
    drained: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
  return world;
}
