import { decides, type Fault } from './fault.js';
import { seededRandom } from './seededRandom.js';

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
