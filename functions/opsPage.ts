import { app } from '@azure/functions';
import { openPage } from '../src/http/ops/page.js';

/** `GET /api/ops`: the page. It holds no secret, so it needs no key; what it asks `/api/ops/…` for needs one. */
app.http('opsPage', {
  methods: ['GET'],
  route: 'ops',
  authLevel: 'anonymous',
  handler: openPage(new URL('../page/ops.html', import.meta.url)),
});
