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
    const opened = await openedOrNull();
    if (opened) await run(opened, context);
  };
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
