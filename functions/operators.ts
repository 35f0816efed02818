import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { withErrorResponses } from '../src/http/errors.js';
import { answerOperator } from '../src/http/signIn/answer.js';

/**
 * `/api/operators/…` is the API for operators who sign in with Microsoft. The host cannot check a key here, so the function itself refuses every
 * request without a believable identity. The function refuses all requests unless OPS_SIGN_IN is set.
 */
app.http('operators', {
  methods: ['GET', 'POST'],
  route: 'operators/{resource}/{id?}/{verb?}',
  authLevel: 'anonymous',
  handler: withErrorResponses(async (request) => answerOperator(await theApp.get(), request), 'anonymous'),
});
