import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { healthOf } from '../src/health/health.js';
import { oneLine } from '../src/shared/printable.js';

/** `GET /api/health` answers with one line for each dependency, and with 503 if a dependency is unhealthy. Some monitors send HEAD. */
app.http('health', {
  methods: ['GET', 'HEAD'],
  route: 'health',
  authLevel: 'function',
  handler: async () => {
    const lines = await healthOf(() => theApp.get());
    const ok = lines.every((line) => line.ok);
    return {
      status: ok ? 200 : 503,
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        'cache-control': 'no-store',
        ...(!ok && { 'retry-after': '60' }),
      },
      body: lines
        .map(({ name, ok, detail }) => `${oneLine(`${name}: ${ok ? 'ok' : 'NOT OK'}, ${detail}`)}\n`)
        .join(''),
    };
  },
});
