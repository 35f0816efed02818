import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { withErrorResponses } from '../src/http/errors.js';
import { answerOps } from '../src/http/ops/answer.js';

/** `/api/ops/…` is the JSON API for operators. All requests belong to one function, and therefore need the same key. */
app.http('ops', {
  methods: ['GET', 'POST'],
  route: 'ops/{resource}/{id?}/{verb?}',
  authLevel: 'function',
  handler: withErrorResponses(async (request) => answerOps(await theApp.get(), request)),
});
