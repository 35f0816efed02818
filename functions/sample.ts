import { app } from '@azure/functions';
import { takeSample } from '../src/ops/overview/takeSample.js';
import { theApp } from '../src/theApp.js';

/** Every minute: what the charts of the last hour are drawn from. */
app.timer('sample', {
  schedule: '0 * * * * *',
  handler: () => takeSample(theApp),
});
