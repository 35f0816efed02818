import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { health } from '../src/health/health.js';

/** `GET /api/health` answers with one line for each dependency, and with 503 if a dependency is unhealthy. Some monitors send HEAD. */
app.http('health', {
  methods: ['GET', 'HEAD'],
  route: 'health',
  authLevel: 'function',
  handler: async () => {
    const lines = await health(theApp);
    return {
      status: lines.every(({ ok }) => ok) ? 200 : 503,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
      body: lines.map(({ name, ok, detail }) => `${name}: ${ok ? 'ok' : 'NOT OK'}, ${detail}\n`).join(''),
    };
  },
});
