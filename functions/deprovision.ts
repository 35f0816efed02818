import { app } from '@azure/functions';
import { accept } from '../src/accept.js';
import { answerAccepted } from '../src/http/answerAccepted.js';
import { answering } from '../src/http/answering.js';
import { parseProvision } from '../src/http/parseProvision.js';
import { theApp } from '../src/theApp.js';

/** `DELETE /api/provision`: undoes it. A function of its own, so that the key of a fleet cannot delete. */
app.http('deprovision', {
  methods: ['DELETE'],
  route: 'provision/{uuid?}',
  authLevel: 'function',
  handler: answering(async (request) => {
    const { uuid } = await parseProvision(request, true);
    return answerAccepted(theApp, request, await accept(theApp, { uuid, present: false }));
  }),
});
