import { app } from '@azure/functions';
import { readConfig } from './config/config.js';
import { openApp } from './openApp.js';
import { startTelemetry } from './telemetry/start.js';

const config = readConfig();
const telemetry = await startTelemetry(config);

/** The app of this process, for the functions. A wrong setting stops the start here, with all that is wrong in one message. */
export const theApp = openApp(config, process.argv, telemetry.log);

app.hook.appTerminate(async () => {
  // At the same time: the host gives 5 s to both, and one may take its 3 s.
  await Promise.allSettled([theApp.close(), telemetry.close()]);
});
