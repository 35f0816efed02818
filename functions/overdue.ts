import { app } from '@azure/functions';
import { eachInTurn } from '../src/eachInTurn.js';
import { forgetPlans } from '../src/ops/actions/forgetPlans.js';
import { nudgeLost } from '../src/ops/actions/nudge.js';
import { overdue } from '../src/overdue.js';
import { theApp } from '../src/theApp.js';

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
