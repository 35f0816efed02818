/** Runs functions with the same key one after the other, and functions with different keys at the same time. */
export interface Turns {
  /** Whether a function with this key waits or runs. */
  isBusy(key: string): boolean;
  /** @throws what `tooMany` makes if too many functions with this key wait; the errors of `run` */
  run<R>(key: string, run: () => Promise<R>): Promise<R>;
}

/**
 * Opens the turns of one process.
 *
 * @param most the most functions with one key that wait or run
 * @param tooMany makes the error for a further function
 */
export function openTurns(most: number, tooMany: () => Error): Turns {
  const lines = new Map<string, { length: number; last: Promise<unknown> }>();
  return {
    isBusy: (key) => lines.has(key),
    async run(key, run) {
      const line = lines.get(key) ?? { length: 0, last: Promise.resolve() };
      if (line.length >= most) throw tooMany();
      line.length += 1;
      lines.set(key, line);
      const turn = line.last.then(run);
      // A failure does not keep the later functions from running.
      line.last = turn.catch(() => {});
      try {
        return await turn;
      } finally {
        line.length -= 1;
        if (line.length === 0) lines.delete(key);
      }
    },
  };
}
