import { openTable } from '../../src/storage/table.js';
import type { TimerRow } from '../../src/storage/timerRuns.js';
import { waitFor } from '../support/waitFor.js';
import { useSystem } from './support/useSystem.js';

/** A host that calls neither the worker nor the timers, as real hosts have done after a deployment. */
const system = await useSystem({ settings: { 'AzureWebJobs.worker.Disabled': 'true' } });
const { functions, tables } = system.stack.endpoints;

test('an HTTP function runs the redrive that has been silent for 15 minutes, and health says so', async () => {
  if (!tables) throw new Error('the tables are missing');
  const table = openTable<TimerRow>({ connection: tables, name: 'system' });
  const at = Date.now() - 20 * 60_000;
  const row = { since: at, startedAt: at, completedAt: at, byTimerAt: at, runsUntil: 0 };
  expect(await table.put({ partition: 'system', row: 'timer-redrive' }, row, null)).toBe(true);
  const { text } = await waitFor('the redrive has run', async () => {
    const now = await system.health();
    return now.text.includes('by another function') && now;
  });
  expect(text).toMatch(/^timers: NOT OK, redrive ran \d+ s ago, by another function; .*timers-silent/m);
});

test('with the worker switched off, requests are accepted, and health and page say that nothing is taken', async () => {
  const uuid = await system.balena.newDevice();
  expect((await system.post(uuid, 'main')).status).toBe(202);
  const { status, text } = await waitFor('health counts the message', async () => {
    const now = await system.health();
    return now.text.includes('waiting messages: 1') && now;
  });
  expect(status).toBe(503);
  expect(text).toMatch(/^worker: NOT OK, switched off by the setting AzureWebJobs\.worker\.Disabled/m);
  const { text: overview } = await system.call('GET', '/api/ops/overview', { key: functions.opsKey });
  const worker = { ok: false, detail: expect.stringMatching(/switched off/) };
  expect(JSON.parse(overview)).toMatchObject({ dependencies: { worker } });
});
