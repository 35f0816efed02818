import { Cron } from 'croner';
import type { App, RegisteredFunction } from './createApp.js';
import { resolveSettings } from './hostSettings.js';
import { describeError, invoke } from './invoke.js';
import type { RunningInvocations, Trigger } from './trigger.js';

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
  { running, onEvent }: { running: RunningInvocations; onEvent(line: string): void },
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

export interface TimerFunction {
  registered: RegisteredFunction;
  name: string;
  schedule: Schedule;
  runOnStartup: boolean;
}

/** @throws Error naming the function, for a schedule that cannot be read */
export function readTimerFunction(registered: RegisteredFunction): TimerFunction {
  const { name, bindings } = registered.metadata;
  const trigger = Object.values(bindings).find(({ type }) => type.toLowerCase() === 'timertrigger');
  try {
    const schedule = parseSchedule(resolveSettings(String(trigger?.schedule)));
    return { registered, name, schedule, runOnStartup: trigger?.runOnStartup === true };
  } catch (error) {
    throw new Error(`function ${name}: ${(error as Error).message}`);
  }
}

/** @returns the next time after `after`, if there is ever one */
export type Schedule = (after: Date) => Date | null;

const field = /^[\d*,/-]+$/;
const names = /\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)\b/gi;
/** Sunday is 0 only; 7 may be a step. */
const seventhDay = /(?<![\d/])7(?!\d)/;

/**
 * Reads an NCRONTAB expression: `{second} {minute} {hour} {day} {month} {day of week}`, in UTC. A day must fit the day of the
 * month and the day of the week. What other kinds of cron have besides (`@daily`, `L`, `W`, `#`, `?`) is refused, as in Azure.
 *
 * @throws Error quoting the expression
 */
export function parseSchedule(expression: string): Schedule {
  const fields = expression.trim().split(/\s+/);
  const numbers = fields.map((text, index) => (index < 4 ? text : text.replace(names, '1')));
  const valid =
    fields.length === 6 && numbers.every((text) => field.test(text)) && !seventhDay.test(numbers[5] ?? '');
  if (!valid) {
    throw new Error(`"${expression}" is not an NCRONTAB expression with six fields, such as "0 */5 * * * *"`);
  }
  try {
    const cron = new Cron(fields.join(' '), {
      mode: '6-part',
      domAndDow: true,
      timezone: 'UTC',
      paused: true,
    });
    return (after) => cron.nextRun(after);
  } catch (error) {
    throw new Error(`"${expression}" is not an NCRONTAB expression: ${(error as Error).message}`);
  }
}
