import { app } from '@azure/functions';
import { readConfig } from './config/config.js';
import { openApp } from './openApp.js';
import { startTelemetry } from './telemetry/start.js';

const config = readConfig();
const telemetry = await startTelemetry(config);

/** The app of this process, for the functions. Wrong settings stop the start here, with all mistakes in one message. */
export const theApp = openApp(config, process.argv, telemetry.log);

app.hook.appTerminate(async () => {
  // Both close at the same time: the host gives 5 s in total, and each may take 3 s.
  await Promise.allSettled([theApp.close(), telemetry.close()]);
});
