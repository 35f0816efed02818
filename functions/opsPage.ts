import { app } from '@azure/functions';
import { openPage } from '../src/http/ops/page.js';

/** `GET /api/ops`: the operators' page. The page holds no secret and needs no key. The page's requests to `/api/ops/…` carry the key. */
app.http('opsPage', {
  methods: ['GET'],
  route: 'ops',
  authLevel: 'anonymous',
  handler: openPage(new URL('../page/ops.html', import.meta.url)),
});
