import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { load, postProvision } from '../load.js';
import { devicesWithVariables, quietStack, residentMb } from '../quietStack.js';

/** Measures how many devices a second one worker provisions with an unthrottled hub. */
export async function throughput(devices: number): Promise<{ devices: number; 'devices/s': number }> {
  const stack = await quietStack({
    devices,
    hub: ['--unthrottled'],
    // A rate beyond the reach of any worker.
    settings: { ...process.env, IOTHUB_TIER: 'S3', IOTHUB_UNITS: '200' },
    hosts: ['http'],
  });
  try {
    const { functions, balena } = stack.endpoints;
    if (!balena) throw new Error('the measurement needs the simulators: unset BALENA_…');
    const uuids = balena.devices.map(({ uuid }) => uuid);
    await load(devices, 50, (i) => postProvision(functions.url, functions.provisionKey, uuids[i] ?? ''));
    await stack.startHost('worker');
    const started = performance.now();
    let provisioned = 0;
    while (provisioned < devices) {
      await setTimeout(200);
      provisioned = (await devicesWithVariables(balena)).length;
      if (performance.now() - started > 600_000)
        throw new Error(`only ${provisioned} of ${devices}:\n${stack.tail()}`);
    }
    return { devices, 'devices/s': Math.round((devices / (performance.now() - started)) * 10_000) / 10 };
  } finally {
    await stack.close();
  }
}

/** Measures the memory of the hosts when idle, and with a number of requests waiting for the hub. */
export async function memory(
  waiting: number,
): Promise<{ host: string; 'idle MB': number; [waiting: string]: number | string }[]> {
  const stack = await quietStack({ hosts: ['http', 'worker'] });
  try {
    const { url, provisionKey } = stack.endpoints.functions;
    const measure = () => Promise.all(stack.hosts.map(({ process }) => residentMb(process.pid)));
    const idle = await measure();
    await load(waiting, 50, () => postProvision(url, provisionKey, randomBytes(16).toString('hex')));
    const full = await measure();
    return ['http', 'worker'].map((host, i) => ({
      host,
      'idle MB': idle[i] ?? 0,
      [`${waiting} waiting, MB`]: full[i] ?? 0,
    }));
  } finally {
    await stack.close();
  }
}
