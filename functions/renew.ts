import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { renew } from '../src/fleet/renew.js';
import { observeCertificates } from '../src/telemetry/metrics.js';

/** Less than the five minutes that a function may run on every plan; the next run takes what is left. */
const longestRunMs = 4 * 60_000;
const hours = 3_600_000;

const { renewSchedule, renewAt, operationsPerMinute } = theApp.config;

/** Has certificates replaced that are past `RENEW_AT` of their life, and reports how long the others have (`RENEW_SCHEDULE`). */
if (renewSchedule !== null) {
  app.timer('renew', {
    schedule: renewSchedule,
    handler: async (_timer, context) => {
      const signal = AbortSignal.timeout(longestRunMs);
      const report = await renew(theApp, {
        renewAt,
        operationsPerMinute,
        signal,
        onCertificates: observeCertificates,
      });
      const { due, checked, left, failed, share, certificates } = report;
      const { expired, within7Days, within30Days, later } = certificates;
      context.log(
        `certificates: ${expired} expired, ${within7Days} expire within 7 days, ${within30Days} within 30, ${later} later; ` +
          `${due} due for renewal, ${checked} taken up, ${left} left to the next run, ${failed} failed for good; ` +
          `at ${Math.round(share.part * 100)} % of the pace over ${Math.round(share.spreadMs / hours)} h`,
      );
      if (share.late > 0)
        context.error(
          `${share.late} certificates will expire before their renewal can have its turn, even with ${Math.round(share.part * 100)} % of the pace ` +
            'around the clock: give the hub more units, and tell IOTHUB_UNITS',
        );
    },
  });
}
