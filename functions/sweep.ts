import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { describeGuarded } from '../src/fleet/massDeletionGuard.js';
import { sweep } from '../src/fleet/sweep.js';

/** Less than the five minutes that a function may run on every plan; the next run goes on where this one ends. */
const longestRunMs = 4 * 60_000;

const { fleets, defaultService, sweepSchedule } = theApp.config;

/** Finds what was never asked for, or got lost. Off unless `SWEEP_SCHEDULE` and `FLEETS` are set. */
if (sweepSchedule !== null && fleets !== null) {
  app.timer('sweep', {
    schedule: sweepSchedule,
    handler: async (_timer, context) => {
      const options = { fleets, service: defaultService, signal: AbortSignal.timeout(longestRunMs) };
      const { devices, records, requested, checked, held, finished } = await sweep(
        theApp,
        options,
        theApp.sweepPosition,
      );
      const reasons = Object.entries(checked).filter(([, count]) => count > 0);
      context.log(
        `swept ${devices} devices and ${records} records: asked for ${requested}` +
          reasons.map(([reason, count]) => `, checked ${count} (${reason})`).join('') +
          (finished ? '' : '; the next run goes on'),
      );
      for (const each of held) context.error(describeGuarded(each));
    },
  });
}
