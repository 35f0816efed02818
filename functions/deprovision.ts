import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { withErrorResponses } from '../src/http/errors.js';
import { answerAccepted } from '../src/http/provision/answer.js';
import { parseProvision } from '../src/http/provision/parse.js';
import { openRequestLimit } from '../src/http/requestLimit.js';
import { accept } from '../src/provisioning/accept.js';
import { systemClock } from '../src/shared/time.js';

const limit = openRequestLimit(systemClock);

/** `DELETE /api/provision` removes a device's hub identity and variables. The function has a separate key: the key of a fleet must not delete. */
app.http('deprovision', {
  methods: ['DELETE'],
  route: 'provision/{uuid?}',
  authLevel: 'function',
  handler: withErrorResponses((request) =>
    limit.enter(async () => {
      const opened = await theApp.get();
      const { uuid } = await parseProvision(request, true);
      return limit.run(async () =>
        answerAccepted(opened, request, await accept(opened, { uuid, present: false })),
      );
    }),
  ),
});
