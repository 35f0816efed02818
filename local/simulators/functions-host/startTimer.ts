import { Cron } from 'croner';
import type { App, RegisteredFunction } from './createApp.js';
import { resolveSettings } from './hostSettings.js';
import { describeError, invoke } from './invoke.js';
import type { RunningInvocations, Trigger } from './trigger.js';

/** A timer of Node cannot wait longer than 24.8 days. Waking once a day also notices a change of the system clock. */
const longestWaitMs = 24 * 60 * 60 * 1000;

/** .NET's default value of a DateTime. */
const never = '0001-01-01T00:00:00';

/**
 * Runs a function by a schedule, one run at a time. As in the real host, a time that falls into a running invocation is
 * skipped. The host keeps no times across restarts, so a time during a stop is also skipped.
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
      else void run(due).then(wait);
    };
    step();
  };
  if (runOnStartup) void run(new Date()).then(wait);
  else wait();

  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
    },
    close: async () => {},
  };
}

/** The timer object for the library. The library converts the names to camelCase. */
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

/** @throws Error naming the function, if the schedule is invalid */
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

/** @returns the first time after `after`, or null if there is none */
export type Schedule = (after: Date) => Date | null;

const field = /^[\d*,/-]+$/;
const names = /\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)\b/gi;
/** NCRONTAB writes Sunday as 0, so a 7 is only valid as a step. */
const seventhDay = /(?<![\d/])7(?!\d)/;

/**
 * Reads an NCRONTAB expression: `{second} {minute} {hour} {day} {month} {day of week}`, in UTC. A day must match both the
 * day of the month and the day of the week. Extensions of other cron dialects (`@daily`, `L`, `W`, `#`, `?`) are errors, as
 * on Azure.
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
