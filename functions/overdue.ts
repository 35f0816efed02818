import { app } from '@azure/functions';
import { overdue } from '../src/overdue.js';
import { theApp } from '../src/theApp.js';

/** Every five minutes (`overduePeriodMs`), always on: the safety net for work whose message was never sent. */
app.timer('overdue', {
  schedule: '0 */5 * * * *',
  handler: async (_timer, context) => {
    const { sent, cleaned } = await overdue(theApp);
    await theApp.handledWebhooks.forget();
    if (sent > 0 || cleaned > 0)
      context.log(`sent ${sent} overdue messages, cleaned ${cleaned} superseded dead letters`);
  },
});
