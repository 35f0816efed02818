/** Invocations under way. */
export interface Running {
  /** Counts the work until it ends, and passes on how it ended. */
  run<T>(functionName: string, work: () => Promise<T>): Promise<T>;
  /**
   * Waits until nothing runs.
   * @returns the names of the functions that still run after `withinMs`
   */
  idle(withinMs: number): Promise<string[]>;
}

export function createRunning(): Running {
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
