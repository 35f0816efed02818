/** Something that starts invocations. */
export interface Trigger {
  /** Starts no more of them. Those that run may go on. */
  stop(): Promise<void>;
  /** Lets go of what it holds, when nothing runs any more. */
  close(): Promise<void>;
}

/** Invocations under way. */
export interface RunningInvocations {
  /** Counts the work until it ends, and passes on how it ended. */
  run<T>(functionName: string, work: () => Promise<T>): Promise<T>;
  /**
   * Waits until nothing runs.
   * @returns the names of the functions that still run after `withinMs`
   */
  idle(withinMs: number): Promise<string[]>;
}

export function createRunningInvocations(): RunningInvocations {
  const running = new Map<symbol, string>();
  let wake = () => {};

  return {
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

/** A limited number of places; whoever comes when all are taken waits in line. */
export interface ConcurrencyLimit {
  /** @returns false when it was closed before there was a free one */
  acquire(): Promise<boolean>;
  release(): void;
  /** Sends away all that wait, and all that come. */
  close(): void;
}

export function createConcurrencyLimit(count: number): ConcurrencyLimit {
  let free = count;
  let closed = false;
  const waiting: ((mayGo: boolean) => void)[] = [];

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
      for (const sendAway of waiting.splice(0)) sendAway(false);
    },
  };
}
