import type { App, RegisteredFunction } from '../createApp.js';
import type { Running } from '../createRunning.js';
import { describeError } from '../describeError.js';
import { invoke } from '../invoke.js';
import { resolveSettings } from '../resolveSettings.js';
import type { Trigger } from '../trigger.js';
import { parseSchedule } from './parseSchedule.js';

/** Node's timers cannot wait longer than 24.8 days; a day is also short enough for a clock that is set. */
const longestWaitMs = 24 * 60 * 60 * 1000;

/** What .NET's DateTime says when nothing was said. */
const never = '0001-01-01T00:00:00';

/**
 * Runs a function by its schedule, one run at a time: what falls due during a run is left out, as in the real host. Times are
 * not kept across restarts, so a run that was missed while the host was down is not made up for.
 *
 * @throws Error naming the function, for a schedule that cannot be read
 */
export function startTimer(
  app: App,
  registered: RegisteredFunction,
  { running, onEvent }: { running: Running; onEvent(line: string): void },
): Trigger {
  const { name, bindings } = registered.metadata;
  const trigger = Object.values(bindings).find(({ type }) => type.toLowerCase() === 'timertrigger');
  const schedule = parse(name, trigger?.schedule);
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
  if (trigger?.runOnStartup === true) run(new Date()).then(wait);
  else wait();

  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
    },
    close: async () => {},
  };
}

function parse(name: string, expression: unknown) {
  try {
    return parseSchedule(resolveSettings(String(expression)));
  } catch (error) {
    throw new Error(`function ${name}: ${(error as Error).message}`);
  }
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
