import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { withErrorResponses } from '../src/http/errors.js';
import { answerProvision } from '../src/http/provision/handle.js';
import { answerState } from '../src/http/provision/state.js';

/** `POST /api/provision` requests credentials for a device. `GET /api/provision/{uuid}` answers with the device's state. */
app.http('provision', {
  methods: ['POST', 'GET'],
  route: 'provision/{uuid?}',
  authLevel: 'function',
  handler: withErrorResponses(async (request) => {
    const opened = await theApp.get();
    if (request.method === 'GET') return answerState(opened, request);
    return answerProvision(opened, request);
  }),
});
