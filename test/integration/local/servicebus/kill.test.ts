import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { killBroker } from '../../../../bench/killBroker.js';

test('killed 20 times under load, the broker loses nothing that it acknowledged', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'broker-'));
  const counts = await killBroker(resolve('dist/local/simulators/servicebus/main.js'), folder, 20);
  await rm(folder, { recursive: true });
  expect(counts).toMatchObject({ kills: 20, lost: 0, undone: 0, forgottenDeliveries: 0, outOfOrder: 0 });
  expect(counts.acknowledgedSends).toBeGreaterThan(1000);
  expect(counts.acknowledgedCompletions).toBeGreaterThan(100);
});
