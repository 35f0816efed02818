import type { Clock, EpochMs } from '../shared/time.js';
import type { TimerRow, TimerRuns } from '../storage/timerRuns.js';

/** The redrive runs every five minutes. After this time without a complete run, the other functions run the redrive. */
export const silentAfterMs = 15 * 60_000;
/** A run that fails is tried again after this time. */
const tryAgainAfterMs = 5 * 60_000;
/** Each process reads the row once in this time. */
const lookEveryMs = 60_000;

/** What the supervision of the redrive uses. */
export interface Supervision {
  runs: TimerRuns;
  clock: Clock;
  /** Runs the redrive, unless another run is under way. */
  run(): Promise<unknown>;
  log(line: string): void;
}

/**
 * Supervises the redrive from the other functions. In the real host, timers have stopped for good after a deployment
 * (https://github.com/Azure/azure-functions-host/issues/11828).
 *
 * @returns a function to call after each invocation. The function looks at most once a minute, and never throws
 */
export function superviseRedrive({ runs, clock, run, log }: Supervision): () => Promise<void> {
  let nextLook = 0;
  return async () => {
    const now = clock.now();
    if (now < nextLook) return;
    nextLook = now + lookEveryMs;
    try {
      const row = await runs.read();
      if (!row) return await runs.begin();
      if (!isSilent(row, now)) return;
      log('The timer "redrive" is silent: this function runs the redrive.');
      await run();
    } catch (error) {
      log(`The redrive that replaces the silent timer has failed: ${(error as Error).message}`);
    }
  };
}

/** Whether the redrive is overdue, and no process works on it. */
export function isSilent({ since, startedAt, completedAt, runsUntil }: TimerRow, now: EpochMs): boolean {
  return (
    now - (completedAt ?? since) >= silentAfterMs &&
    now - (startedAt ?? 0) >= tryAgainAfterMs &&
    now >= runsUntil
  );
}
