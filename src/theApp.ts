import { app } from '@azure/functions';
import { readConfig } from './config.js';
import { openApp } from './openApp.js';

/** The app of this process, for the functions. A wrong setting stops the start here, with all that is wrong in one message. */
export const theApp = openApp(readConfig());

app.hook.appTerminate(() => theApp.close());
