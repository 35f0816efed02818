import { app } from '@azure/functions';
import { timerHandler } from '../src/app.js';
import { cleanUpActions } from '../src/ops/bulk/cleanUp.js';
import { resendLostWakeUps } from '../src/ops/bulk/wakeUp.js';
import { redrive } from '../src/provisioning/redrive.js';
import { removeRecords } from '../src/provisioning/removeRecords.js';
import { runAllInSequence } from '../src/shared/async.js';

/** Every five minutes (`redrivePeriodMs`), the redrive sends the lost messages of jobs and bulk actions again, and removes old rows. */
app.timer('redrive', {
  schedule: '0 */5 * * * *',
  handler: timerHandler(async (opened, context) => {
    await runAllInSequence(
      () => resendLostWakeUps(opened),
      async () => {
        const { sent, cleaned } = await redrive(opened);
        if (sent > 0 || cleaned > 0)
          context.log(
            `sent ${sent} overdue messages, removed ${cleaned} superseded or discarded dead letters`,
          );
      },
      async () => {
        const removed = await removeRecords(opened);
        if (removed > 0) context.log(`removed ${removed} records of unknown or deprovisioned devices`);
      },
      () => cleanUpActions(opened),
      () => opened.handledWebhooks.forget(),
    );
  }),
});
