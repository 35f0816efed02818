/** A clock in virtual time, whose sleepers wake up in the order of their times. */
export function virtualClock() {
  let now = 0;
  let sleeping: { until: number; wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (ms: number) => new Promise<void>((wake) => void sleeping.push({ until: now + ms, wake })),
    async passTo(time: number) {
      for (;;) {
        for (let turns = 0; turns < 20; turns += 1) await Promise.resolve();
        const [first] = sleeping.toSorted((a, b) => a.until - b.until);
        if (!first || first.until > time) break;
        now = Math.max(now, first.until);
        sleeping = sleeping.filter((each) => each !== first);
        first.wake();
      }
      now = time;
    },
  };
}
