import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { forgetPlans } from '../src/ops/bulk/cleanUp.js';
import { nudgeLost } from '../src/ops/bulk/wakeUp.js';
import { overdue } from '../src/provisioning/redrive.js';
import { eachInTurn } from '../src/shared/async.js';

/** Every five minutes (`overduePeriodMs`), always on: the safety net for work, and bulk actions, whose message was lost. */
app.timer('overdue', {
  schedule: '0 */5 * * * *',
  handler: async (_timer, context) => {
    await eachInTurn(
      () => nudgeLost(theApp),
      async () => {
        const { sent, cleaned } = await overdue(theApp);
        if (sent > 0 || cleaned > 0)
          context.log(
            `sent ${sent} overdue messages, cleaned ${cleaned} dead letters that are superseded or discarded`,
          );
      },
      () => forgetPlans(theApp),
      () => theApp.handledWebhooks.forget(),
    );
  },
});
