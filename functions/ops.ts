import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { withErrorResponses } from '../src/http/errors.js';
import { answerOps } from '../src/http/ops/answer.js';

/** `/api/ops/…`: what ops look at and do, as JSON. One function, so that it has one key of its own. */
app.http('ops', {
  methods: ['GET', 'POST'],
  route: 'ops/{resource}/{id?}/{verb?}',
  authLevel: 'function',
  handler: withErrorResponses((request) => answerOps(theApp, request)),
});
