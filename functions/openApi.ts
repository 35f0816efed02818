import { app } from '@azure/functions';
import { describeApi } from '../src/http/openApi/describe.js';

const body = JSON.stringify(describeApi());

/** `GET /api/openapi.json` answers with the OpenAPI description of the HTTP API. The description has no secrets, and needs no key. */
app.http('openApi', {
  methods: ['GET'],
  route: 'openapi.json',
  authLevel: 'anonymous',
  handler: async () => ({
    headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' },
    body,
  }),
});
