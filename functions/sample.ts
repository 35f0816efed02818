import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { takeSample } from '../src/ops/overview/samples.js';

/** Every minute: what the charts of the last hour are drawn from. */
app.timer('sample', {
  schedule: '0 * * * * *',
  handler: () => takeSample(theApp),
});
