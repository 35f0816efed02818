import { setImmediate } from 'node:timers';
import { seededRandom } from '../../../local/simulators/shared/faults.js';

/** A process of the Functions host: a worker, or an HTTP process. The memory is lost when the process dies. */
export interface Process {
  readonly name: string;
  /** The process's clock minus the true time, ms. */
  readonly skewMs: number;
  alive: boolean;
  /** The true time of the process's death; null while the process lives. */
  diedAt: number | null;
  /** Stalled until then, true time. */
  pausedUntil: number;
}

/** A process, or (null) a request in the network, waits for the driver. */
export interface Parked {
  process: Process | null;
  /** Not before this time. */
  from: number;
  /** A request arrives by this time, even if the sending process dies. */
  by: number;
  go(): void;
}

export interface WorldOptions {
  seed: number;
  /** No crash, no pause and no call of unknown outcome. In a calm history no device may ever be cut off. */
  calm: boolean;
  /** How often calls fail: 1 is a bad day. */
  failing: number;
  /** Keep the history, for a reader. */
  trace: boolean;
}

export interface World {
  /** True time, Unix ms. */
  now: number;
  faults: boolean;
  readonly calm: boolean;
  /** Whether the history is kept. */
  readonly traces: boolean;
  readonly random: () => number;
  readonly parked: Parked[];
  readonly history: { at: number; device: string; parts: unknown[] }[];
  /** The end of each system's outage. */
  readonly down: { records: number; queue: number; hub: number; balena: number; ca: number };
  /** The violations, each with the device. */
  readonly violations: Map<string, string>;
  int(least: number, most: number): number;
  pick<T>(list: readonly T[]): T;
  /** Fails in this share of calls, times the scenario's factor; never, once the faults have stopped. */
  fails(probability: number): boolean;
  /** Between 0 and 1 for a call: the smaller, the worse; 1 once the faults have stopped. */
  luck(): number;
  /** Never, once the faults have stopped. */
  chance(probability: number): boolean;
  note(device: string, ...parts: unknown[]): void;
  violated(device: string, what: string): void;
  /** Waits for the driver, and for a time. A dead process never goes on. */
  step(process: Process, from?: number): Promise<void>;
  /** A request travels, and takes effect at a random moment within this time. */
  arrives<R>(withinMs: number, effect: () => R): Promise<R>;
  at(time: number, go: () => void): void;
  kill(process: Process): void;
  /** Lets a waiting process or request go on, until all of the system waits again. */
  resume(one: Parked): Promise<void>;
  /** All code runs until every part waits for the driver: microtasks are done before the next immediate. */
  drained(): Promise<void>;
}

/** 2026-01-02. */
const startedAt = Date.UTC(2026, 0, 2);

/**
 * Virtual time, chance by a seed, and all waiting processes and requests. Nothing happens without the driver's choice: each seed is
 * a history.
 */
export function createWorld({ seed, calm, failing, trace }: WorldOptions): World {
  const random = seededRandom(seed);
  const parked: Parked[] = [];
  const history: World['history'] = [];

  const world: World = {
    now: startedAt,
    faults: true,
    calm,
    traces: trace,
    random,
    parked,
    history,
    down: { records: 0, queue: 0, hub: 0, balena: 0, ca: 0 },
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
      process.diedAt = world.now;
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
