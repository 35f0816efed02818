import { join } from 'node:path';
import { waitFor } from '../support/waitFor.js';
import { runNode } from './support/runNode.js';
import { useSystem } from './support/useSystem.js';

/**
 * The closed way (SECURITY.md, "Three ways"): no request of a device is believed, and the sweep provisions the devices of the fleets. A sweep
 * every two seconds stands for the sweep every minute.
 */
const system = await useSystem({
  timers: ['sweep'],
  settings: {
    DEVICE_PROOF: 'required',
    FLEETS: 'local/demo',
    DEFAULT_SERVICE: 'main',
    SWEEP_SCHEDULE: '*/2 * * * * *',
  },
});
const { balena, stack } = system;
const { provisionKey, opsKey } = stack.endpoints.functions;

/** The numbers of requests to balena since `balena.forget()`: lists, checks that a fleet is visible, and checks of proofs. */
async function asked() {
  const counts = Object.entries((await balena.requested()).counts);
  const sum = (path: RegExp) =>
    counts
      .filter(([request]) => path.test(request))
      .flatMap(([, statuses]) => Object.values(statuses))
      .reduce((all, count) => all + count, 0);
  return { whoami: sum(/whoami/), devices: sum(/GET .*\/device$/), fleets: sum(/GET .*\/application$/) };
}

test('the unmodified Cloud Relay ends with telemetry, although no request of the device is accepted', async () => {
  const run = runNode('local/device/main.js', [
    '--endpoints',
    join(system.folder, 'endpoints.json'),
    '--new',
    '--no-proof',
    '--messages',
    '1',
  ]);
  expect(await run.ended).toEqual({ code: 0, signal: null });
  expect(run.output()).toMatch(/requested credentials.*401[\s\S]*is connected[\s\S]*sent telemetry 1 of 1/);
  expect(run.output()).not.toMatch(/202 accepted/);
});

test('a flood of requests with the key of the fleet costs balena nothing, and leaves no record', async () => {
  const uuids = Array.from({ length: 300 }, (_, at) => at.toString(16).padStart(32, 'e'));
  const victim = await balena.newDevice();
  await balena.forget();
  const statuses = await Promise.all(
    [...uuids, victim].map(async (uuid) => (await system.post(uuid, 'other')).status),
  );
  expect(new Set(statuses)).toEqual(new Set([401]));
  expect((await asked()).whoami).toBe(0);
  const records = await system.ops.records({ limit: '500' });
  expect(records.records.filter(({ uuid }) => uuids.includes(uuid))).toEqual([]);
  // The victim is provisioned at the service that the operator chose.
  await waitFor('the victim is provisioned', async () => {
    const { status, json } = await system.call('GET', `/api/ops/records/${victim}`, { key: opsKey });
    return status === 200 && (json as { device?: { state: string } }).device?.state === 'provisioned';
  });
  expect(Object.keys(await balena.variables(victim))).toEqual(['main']);
  expect((await system.call('GET', `/api/provision/${victim}`, { key: provisionKey })).status).toBe(401);
});

test('a sweep of an idle fleet costs one request to balena', async () => {
  const sweeps = () => system.lines.filter((line) => /swept \d+ devices/.test(line)).length;
  const until = (count: number) => waitFor(`${count} sweeps have ended`, () => sweeps() >= count);
  await until(sweeps() + 1);
  const before = sweeps();
  await balena.forget();
  await until(before + 3);
  const { whoami, devices, fleets } = await asked();
  const swept = sweeps() - before;
  expect({ whoami, fleets }).toEqual({ whoami: 0, fleets: 0 });
  expect(devices).toBeGreaterThan(0);
  // One more sweep may be under way.
  expect(devices).toBeLessThanOrEqual(swept + 1);
});
