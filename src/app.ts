import { app, type InvocationContext, type TimerHandler } from '@azure/functions';
import { ConfigError } from './config/config.js';
import type { App } from './openApp.js';
import { mostRedriveMs, redriveAll } from './redriveAll.js';
import { oneLine } from './shared/printable.js';
import { logStrayErrors } from './shared/strayErrors.js';
import { startApp } from './startApp.js';
import type { TimerName } from './storage/timerRuns.js';
import { runTimer } from './timers/runTimer.js';
import { superviseRedrive } from './timers/supervise.js';

logStrayErrors(process, (line) => console.error(line));

// Each line of the log passes here, before telemetry and the host get the line: a name from outside must not forge a line.
app.hook.log((line) => {
  if (line.category === 'user') line.message = oneLine(line.message);
});

/** The app of this process, for the functions. */
export const theApp = await startApp();

app.hook.appTerminate(() => theApp.close());

/** The app with the queue of workers and timers, which wait longer for new credits of Service Bus. */
export const withWorkerQueue = (opened: App): App => ({ ...opened, queue: opened.workerQueue });

/** The work of a timer. The signal is aborted at the deadline. */
type TimerWork = (app: App, context: InvocationContext, signal: AbortSignal) => Promise<unknown>;

/**
 * Makes the handler of a timer. While settings are wrong, or while another process runs the same timer, the handler does nothing.
 *
 * @param mostMs the deadline of a run, ms
 */
export function timerHandler(timer: TimerName, mostMs: number, work: TimerWork): TimerHandler {
  return async (_timer, context) => {
    const opened = await openedOrNull();
    if (!opened) return;
    const run = (signal: AbortSignal) => work(withWorkerQueue(opened), context, signal);
    await runTimer(opened.timerRuns, { timer, by: 'timer', mostMs, run });
  };
}

let supervision: (() => Promise<void>) | undefined;

// The answer does not wait for the redrive. An invocation that needs no client of other systems loads none here.
app.hook.postInvocation(() => {
  const opened = theApp.opened();
  if (!opened) return;
  supervision ??= supervisionOf(withWorkerQueue(opened));
  void supervision();
});

function supervisionOf(opened: App): () => Promise<void> {
  const log = (line: string) => console.warn(line);
  return superviseRedrive({
    runs: opened.timerRuns.redrive,
    clock: opened.clock,
    log,
    run: () =>
      runTimer(opened.timerRuns, {
        timer: 'redrive',
        by: 'supervision',
        mostMs: mostRedriveMs,
        run: (signal) => redriveAll(opened, signal, log),
      }),
  });
}

/** @returns null while settings are wrong */
export async function openedOrNull(): Promise<App | null> {
  try {
    return await theApp.get();
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}
