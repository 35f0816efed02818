import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { withErrorResponses } from '../src/http/errors.js';
import { answerProvision } from '../src/http/provision/handle.js';
import { answerState } from '../src/http/provision/state.js';
import { openRequestLimit } from '../src/http/requestLimit.js';
import { systemClock } from '../src/shared/time.js';

const limit = openRequestLimit(systemClock);

/** `POST /api/provision` requests credentials for a device. `GET /api/provision/{uuid}` answers with the device's state. */
app.http('provision', {
  methods: ['POST', 'GET'],
  route: 'provision/{uuid?}',
  authLevel: 'function',
  handler: withErrorResponses((request) =>
    limit.enter(async () => {
      const opened = await theApp.get();
      const answer = request.method === 'GET' ? answerState : answerProvision;
      return answer({ ...opened, limit }, request);
    }),
  ),
});
