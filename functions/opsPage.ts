import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { refuseLargeBody } from '../src/http/body.js';
import { withErrorResponses } from '../src/http/errors.js';
import { openPage } from '../src/http/ops/page.js';

const answer = openPage(new URL('../page/ops.html', import.meta.url));

/** `GET /api/ops`: the operators' page. The page holds no secret and needs no key. The page's requests to `/api/ops/…` carry the key. */
app.http('opsPage', {
  methods: ['GET'],
  route: 'ops',
  authLevel: 'anonymous',
  handler: withErrorResponses(async (request) => {
    theApp.check();
    refuseLargeBody(request, 'ops');
    return answer(request);
  }, 'anonymous'),
});
