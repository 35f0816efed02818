import type { Clock, EpochMs } from '../shared/time.js';

/** The requests to one function, in one process. Each function has a limit of its own, so a flood of one kind delays no other kind. */
export interface RequestLimit {
  /**
   * Counts a request until it is answered. This method comes before everything else.
   *
   * @throws TooBusy at once, if too many requests are being handled or waiting
   */
  enter<T>(handle: () => Promise<T>): Promise<T>;
  /**
   * Runs the part of a request that uses records and queue. A few requests do so at the same time, in the order of their calls, so
   * that the first requests of a flood are answered soon.
   *
   * @throws TooBusy without a run, if the turn of the request has not come within three seconds
   */
  run<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Runs a part of a request that has a limit of its own, outside of `run`. The request does not count meanwhile: invented proofs that
   * wait for balena must not use up the places of other requests.
   */
  outside<T>(work: () => Promise<T>): Promise<T>;
}

/** The process has too many requests to handle. Nothing was read or written for this request. */
export class TooBusy extends Error {
  constructor() {
    super('The service has too many requests at the moment.');
    this.name = 'TooBusy';
  }
}

/** One core handles about 300 new requests a second, of 60 ms each: 18 at the same time. The others wait for tables and queue. */
const mostAtATime = 50;
/** A caller whose request waits longer may have gone. */
const longestWaitMs = 3_000;
/** About 10 MB. One core handles so many requests within two seconds. */
const mostInProgress = 500;

interface Waiter {
  until: EpochMs;
  begin(): void;
  refuse(): void;
}

/** Opens the limit of one function. */
export function openRequestLimit(clock: Clock): RequestLimit {
  /** The requests that wait for their turn, the first one first. */
  const waiting = new Set<Waiter>();
  let inProgress = 0;
  let running = 0;
  let isWatching = false;

  async function turn(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    waiting.add({
      until: clock.now() + longestWaitMs,
      begin: resolve,
      refuse: () => reject(new TooBusy()),
    });
    if (!isWatching) void watch();
    await promise;
  }

  /** Refuses the requests that wait too long. */
  async function watch(): Promise<void> {
    isWatching = true;
    for (let [first] = waiting; first; [first] = waiting) {
      const restMs = first.until - clock.now();
      if (restMs > 0) await clock.sleep(restMs);
      else if (waiting.delete(first)) first.refuse();
    }
    isWatching = false;
  }

  /** Gives the place of a request that has ended to the request that waits longest. */
  function leave(): void {
    const [next] = waiting;
    if (!next) running -= 1;
    else {
      waiting.delete(next);
      next.begin();
    }
  }

  return {
    async enter(handle) {
      if (inProgress >= mostInProgress) throw new TooBusy();
      inProgress += 1;
      try {
        return await handle();
      } finally {
        inProgress -= 1;
      }
    },
    async run(work) {
      if (running < mostAtATime) running += 1;
      else await turn();
      try {
        return await work();
      } finally {
        leave();
      }
    },
    async outside(work) {
      inProgress -= 1;
      try {
        return await work();
      } finally {
        inProgress += 1;
      }
    },
  };
}
