import { app } from '@azure/functions';
import { theApp, timerHandler } from '../src/app.js';
import { renew } from '../src/fleet/renew.js';
import { verifyHub } from '../src/fleet/verifyHub.js';
import { observeCertificates } from '../src/telemetry/metrics.js';

/** On every hosting plan a function may run for five minutes. The next run continues with the remaining certificates. */
const maxRunMs = 4 * 60_000;
const hourMs = 3_600_000;

/** The time for the calls that a run has begun before its end. */
const graceMs = 30_000;

const { renewSchedule } = theApp.registration;

/** By `RENEW_SCHEDULE`, the timer renews certificates past `RENEW_AT` of their lifetime, and logs their expiry. */
if (renewSchedule !== null) {
  app.timer('renew', {
    schedule: renewSchedule,
    handler: timerHandler('renew', maxRunMs + graceMs, async (opened, context) => {
      const { renewAt, operationsPerMinute } = opened.config;
      const signal = AbortSignal.timeout(maxRunMs);
      const report = await renew(opened, {
        renewAt,
        operationsPerMinute,
        signal,
        onCertificates: observeCertificates,
      });
      const { due, checked, left, failed, ownKeys, share, certificates } = report;
      const { expired, within7Days, within30Days, later } = certificates;
      context.log(
        `certificates due for renewal: ${due} (${expired} expired, ${within7Days} expire within 7 days, ${within30Days} within 30, ${later} later), ` +
          `${checked} scheduled, ${left} left to the next run, ${failed} not renewed because the request was cancelled or discarded; ` +
          `at ${Math.round(share.part * 100)} % of the rate limit over ${Math.round(share.spreadMs / hourMs)} h`,
      );
      if (ownKeys > 0)
        context.log(
          `certificates of own keys due for renewal: ${ownKeys}. Only the devices can renew them, see docs/own-keys.md`,
        );
      if (share.late > 0)
        context.error(
          `${share.late} certificates will expire before the renewal, even with ${Math.round(share.part * 100)} % of the rate limit ` +
            'around the clock: add units to the hub, and set IOTHUB_UNITS',
        );
      const verified = await verifyHub(opened, { operationsPerMinute, signal });
      context.log(
        `identities: ${verified.due} not seen at the hub for a week, ${verified.checked} checks scheduled`,
      );
    }),
  });
}
