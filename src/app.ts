import { app, type InvocationContext, type TimerHandler } from '@azure/functions';
import { ConfigError } from './config/config.js';
import type { App } from './openApp.js';
import { logStrayErrors } from './shared/strayErrors.js';
import { startApp } from './startApp.js';

logStrayErrors(process, (line) => console.error(line));

/** The app of this process, for the functions. */
export const theApp = await startApp();

app.hook.appTerminate(() => theApp.close());

/** Makes the handler of a timer. While settings are wrong, the timer does nothing. */
export function timerHandler(run: (app: App, context: InvocationContext) => Promise<unknown>): TimerHandler {
  return async (_timer, context) => {
    const opened = openedOrNull();
    if (opened) await run({ ...opened, queue: opened.workerQueue }, context);
  };
}

/** @returns null while settings are wrong */
export function openedOrNull(): App | null {
  try {
    return theApp.get();
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}
