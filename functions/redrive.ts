import { app } from '@azure/functions';
import { timerHandler } from '../src/app.js';
import { mostRedriveMs, redriveAll } from '../src/redriveAll.js';

/** Every five minutes (`redrivePeriodMs`), the redrive sends the lost messages of jobs and bulk actions again, and removes old rows. */
app.timer('redrive', {
  schedule: '0 */5 * * * *',
  handler: timerHandler('redrive', mostRedriveMs, (opened, context, signal) =>
    redriveAll(opened, signal, (line) => context.log(line)),
  ),
});
