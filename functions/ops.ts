import { app } from '@azure/functions';
import { answering } from '../src/http/answering.js';
import { answerOps } from '../src/ops/http/answerOps.js';
import { theApp } from '../src/theApp.js';

/** `/api/ops/…`: what ops look at and do, as JSON. One function, so that it has one key of its own. */
app.http('ops', {
  methods: ['GET', 'POST'],
  route: 'ops/{resource}/{id?}/{verb?}',
  authLevel: 'function',
  handler: answering((request) => answerOps(theApp, request)),
});
