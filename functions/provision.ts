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
    const opened = await theApp.get();
    if (request.method === 'GET') return answerState(opened, request);
    const { uuid, service = opened.config.defaultService } = await parseProvision(request, false);
    await opened.proof(uuid, request.headers.get('authorization'));
    return answerAccepted(opened, request, await accept(opened, { uuid, present: true, service }));
  }),
});
