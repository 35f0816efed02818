import { app } from '@azure/functions';
import { openPage } from '../src/http/ops/page.js';

/** `GET /api/ops` answers with the page for operators. The page has no secrets, and needs no key. The page's requests to `/api/ops/…` need a key. */
app.http('opsPage', {
  methods: ['GET'],
  route: 'ops',
  authLevel: 'anonymous',
  handler: openPage(new URL('../page/ops.html', import.meta.url)),
});
