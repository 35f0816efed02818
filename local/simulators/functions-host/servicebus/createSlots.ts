/** A limited number of places; whoever comes when all are taken waits in line. */
export interface Slots {
  /** @returns false when it was closed before there was a free one */
  take(): Promise<boolean>;
  free(): void;
  /** Sends away all that wait, and all that come. */
  close(): void;
}

export function createSlots(count: number): Slots {
  let free = count;
  let closed = false;
  const waiting: ((mayGo: boolean) => void)[] = [];

  return {
    take: async () => {
      if (closed) return false;
      if (free > 0) {
        free -= 1;
        return true;
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    free: () => {
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
