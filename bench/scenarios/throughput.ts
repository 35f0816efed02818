import { setTimeout } from 'node:timers/promises';
import { devicesWithVariables } from '../devicesWithVariables.js';
import { load } from '../load.js';
import { postProvision } from '../postProvision.js';
import { quietStack } from '../quietStack.js';

/** How many devices a second one worker provisions when the hub does not limit it. */
export async function throughput(devices: number): Promise<{ devices: number; 'devices/s': number }> {
  const stack = await quietStack({
    devices,
    hub: ['--unthrottled'],
    // A pace that no worker can reach.
    settings: { ...process.env, IOTHUB_TIER: 'S3', IOTHUB_UNITS: '200' },
    hosts: ['http'],
  });
  try {
    const { functions, balena } = stack.endpoints;
    if (!balena) throw new Error('this measures against the simulators: unset BALENA_…');
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
