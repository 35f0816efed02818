import { waitFor } from '../support/waitFor.js';
import { startCollector } from './support/startCollector.js';
import { useSystem } from './support/useSystem.js';

const collector = await startCollector();
afterAll(() => collector.close());
await useSystem({
  timers: ['renew'],
  settings: {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    // The metrics were sent at the end of a run. The periodic export comes only once a minute.
    OTEL_BSP_SCHEDULE_DELAY: '600000',
    OTEL_BLRP_SCHEDULE_DELAY: '600000',
    RENEW_SCHEDULE: '* * * * * *',
  },
});

test("a timer's run has sent its metrics, its lines and its span when it ends: its instance may be gone soon after", async () => {
  await waitFor('its metrics', () =>
    collector.points.some(({ name }) => name === 'provisioner.certificates'),
  );
  await waitFor('its line', () =>
    collector.lines.some(({ body }) => body.startsWith('certificates due for renewal: 0 ')),
  );
  await waitFor('its span', () => collector.spans.some(({ name }) => name === 'renew'));
});
