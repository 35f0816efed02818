import { app } from '@azure/functions';
import { theApp, timerHandler } from '../src/app.js';
import { describeGuarded, describeInvisible } from '../src/fleet/massDeletionGuard.js';
import { sweep } from '../src/fleet/sweep.js';

/** On every hosting plan a function may run for five minutes. The next run continues at the stored position. */
const maxRunMs = 4 * 60_000;

/** The time for the calls that a run has begun before its end. */
const graceMs = 30_000;

const { sweepSchedule } = theApp.registration;

/** By `SWEEP_SCHEDULE`, the timer requests forgotten devices of `FLEETS`, and checks devices that differ from their records. */
if (sweepSchedule !== null) {
  app.timer('sweep', {
    schedule: sweepSchedule,
    handler: timerHandler('sweep', maxRunMs + graceMs, async (opened, context) => {
      const { fleets, defaultService, hubHost, operationsPerMinute } = opened.config;
      if (fleets === null) return;
      const options = {
        fleets,
        service: defaultService,
        hubHost,
        operationsPerMinute,
        signal: AbortSignal.timeout(maxRunMs),
      };
      const { devices, records, requested, checked, guarded, invisible, finished } = await sweep(
        opened,
        options,
        opened.sweepPosition,
      );
      const reasons = Object.entries(checked).filter(([, count]) => count > 0);
      context.log(
        `swept ${devices} devices and ${records} records: requested ${requested}` +
          reasons.map(([reason, count]) => `, checked ${count} (${reason})`).join('') +
          (finished ? '' : '; the next run continues'),
      );
      for (const fleet of invisible) context.error(describeInvisible(fleet));
      for (const each of guarded) context.error(describeGuarded(each));
    }),
  });
}
