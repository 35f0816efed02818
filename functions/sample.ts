import { app } from '@azure/functions';
import { timerHandler } from '../src/app.js';
import { takeSample } from '../src/ops/overview/samples.js';

const mostMs = 30_000;

/** Every minute, the timer stores a sample for the charts of the last hour. */
app.timer('sample', {
  schedule: '0 * * * * *',
  handler: timerHandler('sample', mostMs, (opened) => takeSample(opened)),
});
