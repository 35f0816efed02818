/** A source of invocations: HTTP, a timer or a queue. */
export interface Trigger {
  /** Starts no further invocations. Running invocations continue. */
  stop(): Promise<void>;
  /** Releases connections and timers. The host calls this method when no invocation runs any more. */
  close(): Promise<void>;
}

/** The invocations that are running now. */
export interface RunningInvocations {
  /** Counts the work as running until the work ends. @returns the outcome of `work` */
  run<T>(functionName: string, work: () => Promise<T>): Promise<T>;
  /**
   * Waits until nothing runs.
   * @returns the names of the functions that still run after `withinMs`
   */
  idle(withinMs: number): Promise<string[]>;
  /** The number of running invocations. */
  count(): number;
}

export function createRunningInvocations(): RunningInvocations {
  const running = new Map<symbol, string>();
  let wake = () => {};

  return {
    count: () => running.size,
    run: async (functionName, work) => {
      const key = Symbol(functionName);
      running.set(key, functionName);
      try {
        return await work();
      } finally {
        running.delete(key);
        if (running.size === 0) wake();
      }
    },
    idle: async (withinMs) => {
      if (running.size > 0) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, withinMs);
        });
        clearTimeout(timer);
      }
      return [...running.values()];
    },
  };
}

/** A limit on concurrent work. Callers beyond the limit wait in the order of their calls. */
export interface ConcurrencyLimit {
  /** Waits for the right to start. @returns false if the limit was closed first */
  acquire(): Promise<boolean>;
  release(): void;
  /** Rejects all waiting callers and all later callers. */
  close(): void;
}

export function createConcurrencyLimit(count: number): ConcurrencyLimit {
  let free = count;
  let closed = false;
  const waiting: ((isAcquired: boolean) => void)[] = [];

  return {
    acquire: async () => {
      if (closed) return false;
      if (free > 0) {
        free -= 1;
        return true;
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    release: () => {
      const next = waiting.shift();
      if (next) next(true);
      else free += 1;
    },
    close: () => {
      closed = true;
      for (const resolve of waiting.splice(0)) resolve(false);
    },
  };
}
