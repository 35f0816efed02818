import { waitFor } from '../support/waitFor.js';
import { useSystem } from './support/useSystem.js';

const system = await useSystem({ settings: { 'AzureWebJobs.worker.Disabled': 'true' } });
const { opsKey } = system.stack.endpoints.functions;

test('with the worker switched off, requests are accepted, and health and page say that nothing is taken', async () => {
  const uuid = await system.balena.newDevice();
  expect((await system.post(uuid, 'main')).status).toBe(202);
  const { status, text } = await waitFor('health counts the message', async () => {
    const now = await system.health();
    return now.text.includes('waiting messages: 1') && now;
  });
  expect(status).toBe(503);
  expect(text).toMatch(/^worker: NOT OK, switched off by the setting AzureWebJobs\.worker\.Disabled/m);
  const { text: overview } = await system.call('GET', '/api/ops/overview', { key: opsKey });
  const worker = { ok: false, detail: expect.stringMatching(/switched off/) };
  expect(JSON.parse(overview)).toMatchObject({ dependencies: { worker } });
});
