import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { refuseLargeBody } from '../src/http/body.js';
import { withErrorResponses } from '../src/http/errors.js';
import { describeApi } from '../src/http/openApi/describe.js';

const body = JSON.stringify(describeApi());

/** `GET /api/openapi.json` answers with the OpenAPI description of the HTTP API. The description has no secrets, and needs no key. */
app.http('openApi', {
  methods: ['GET'],
  route: 'openapi.json',
  authLevel: 'anonymous',
  handler: withErrorResponses(async (request) => {
    theApp.check();
    refuseLargeBody(request, 'ops');
    return { headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' }, body };
  }, 'anonymous'),
});
