import type { App } from '../createApp.js';
import type { Running } from '../createRunning.js';
import { describeError } from '../describeError.js';
import { invoke } from '../invoke.js';
import type { Trigger } from '../trigger.js';
import type { TimerFunction } from './readTimerFunction.js';

/** Node's timers cannot wait longer than 24.8 days; a day is also short enough for a clock that is set. */
const longestWaitMs = 24 * 60 * 60 * 1000;

/** What .NET's DateTime says when nothing was said. */
const never = '0001-01-01T00:00:00';

/**
 * Runs a function by its schedule, one run at a time: what falls due during a run is left out, as in the real host. Times are
 * not kept across restarts, so a run that was missed while the host was down is not made up for.
 */
export function startTimer(
  app: App,
  { registered, name, schedule, runOnStartup }: TimerFunction,
  { running, onEvent }: { running: Running; onEvent(line: string): void },
): Trigger {
  let last: Date | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const run = (due: Date) =>
    running.run(name, async () => {
      const startedAt = performance.now();
      const ms = () => Math.round(performance.now() - startedAt);
      const json = JSON.stringify(timerInfo(due, last, schedule(due)));
      last = due;
      try {
        await invoke(app, registered, { data: { json } });
        onEvent(`${name}: timer done in ${ms()} ms`);
      } catch (error) {
        onEvent(`${name}: timer failed in ${ms()} ms: ${describeError(error)}`);
      }
    });

  const wait = () => {
    const due = schedule(new Date());
    if (stopped || !due) return;
    const step = () => {
      const left = due.getTime() - Date.now();
      if (left > 0) timer = setTimeout(step, Math.min(left, longestWaitMs));
      else run(due).then(wait);
    };
    step();
  };
  if (runOnStartup) run(new Date()).then(wait);
  else wait();

  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
    },
    close: async () => {},
  };
}

/** The timer as the host hands it over; the library makes the names camelCase. */
function timerInfo(due: Date, last: Date | undefined, next: Date | null) {
  return {
    Schedule: { AdjustForDST: true },
    ScheduleStatus: {
      Last: last ? dotNetTime(last) : never,
      Next: next ? dotNetTime(next) : never,
      LastUpdated: dotNetTime(due),
    },
    IsPastDue: false,
  };
}

function dotNetTime(time: Date): string {
  return time.toISOString().replace('Z', '+00:00');
}
