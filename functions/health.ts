import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { openDeviceCounts } from '../src/health/deviceCounts.js';
import { factsOf, healthLines } from '../src/health/health.js';
import { systemStatus } from '../src/health/systemStatus.js';
import { oneLine } from '../src/shared/printable.js';
import { systemClock } from '../src/shared/time.js';

const deviceCounts = openDeviceCounts(systemClock);

/**
 * `GET /api/health` answers with the state of the system and one line for each part, and with 503 if a part is unhealthy. Some monitors
 * send HEAD.
 */
app.http('health', {
  methods: ['GET', 'HEAD'],
  route: 'health',
  authLevel: 'function',
  handler: async () => {
    const facts = await factsOf(() => theApp.get(), systemClock);
    const lines = healthLines(facts);
    const ok = lines.every((line) => line.ok);
    const { sentence } = systemStatus(facts, await deviceCounts(theApp.opened()?.records ?? null, facts));
    const details = lines.map(({ name, ok, detail }) => `${name}: ${ok ? 'ok' : 'NOT OK'}, ${detail}`);
    return {
      status: ok ? 200 : 503,
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        'cache-control': 'no-store',
        ...(!ok && { 'retry-after': '60' }),
      },
      body: [sentence, ...details].map((line) => `${oneLine(line)}\n`).join(''),
    };
  },
});
