import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { withErrorResponses } from '../src/http/errors.js';
import { answerAccepted } from '../src/http/provision/answer.js';
import { parseProvision } from '../src/http/provision/parse.js';
import { answerState } from '../src/http/provision/state.js';
import { accept } from '../src/provisioning/accept.js';

/** `POST /api/provision` requests credentials for a device. `GET /api/provision/{uuid}` answers with the device's state. */
app.http('provision', {
  methods: ['POST', 'GET'],
  route: 'provision/{uuid?}',
  authLevel: 'function',
  handler: withErrorResponses(async (request) => {
    if (request.method === 'GET') return answerState(theApp, request);
    const { uuid, service = theApp.config.defaultService } = await parseProvision(request, false);
    await theApp.proof(uuid, request.headers.get('authorization'));
    return answerAccepted(theApp, request, await accept(theApp, { uuid, present: true, service }));
  }),
});
