import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { ServiceBusClient } from '@azure/service-bus';
import { followProvisioned, load, percentiles, postProvision, quietStack, residentMb } from '../harness.js';

const connections = 50;
/** The target rates on two cores, with all processes on the same cores. */
const newPerSecond = 300;
const repeatedPerSecond = 600;

export interface AcceptFigures {
  what: string;
  'a second': number;
  'p50 ms': number;
  'p99 ms': number;
  'of bare sends %': number;
}

/**
 * Measures the HTTP functions: requests for new devices, and the same requests repeated. Bare sends to a broker of the
 * same kind are measured for comparison.
 */
export async function accept(requests: number): Promise<{ rows: AcceptFigures[]; longestBlockMs: number }> {
  const bare = await bareSends(requests);
  const row = (what: string, { perSecond, latencies }: Awaited<ReturnType<typeof load>>): AcceptFigures => {
    const [p50 = 0, p99 = 0] = percentiles(latencies, 0.5, 0.99);
    const ratio = Math.round((perSecond / bare.perSecond) * 1_000) / 10;
    return { what, 'a second': perSecond, 'p50 ms': p50, 'p99 ms': p99, 'of bare sends %': ratio };
  };
  // A worker runs too, as in real use. With an S1 hub, the worker does nothing but schedule the new messages.
  const stack = await quietStack({ hosts: ['http', 'worker'] });
  try {
    const { url, provisionKey } = stack.endpoints.functions;
    const newUuids = (count: number) => Array.from({ length: count }, () => randomBytes(16).toString('hex'));
    const postTo = (uuids: string[]) => (i: number) =>
      postProvision(url, provisionKey, uuids[i % uuids.length] ?? '');
    // Warm-up: connections and compiled code are not part of the measurement.
    await load(500, connections, postTo(newUuids(500)));
    await stack.hosts[0]?.eventLoopDelay();
    const post = postTo(newUuids(requests));
    const added = await load(requests, connections, post);
    const repeated = await load(requests * 2, connections, post);
    const addedAtRate = await load(requests, connections, postTo(newUuids(requests)), newPerSecond);
    const repeatedAtRate = await load(requests * 2, connections, post, repeatedPerSecond);
    const longestBlockMs = (await stack.hosts[0]?.eventLoopDelay()) ?? 0;
    return {
      rows: [
        row('new requests, as fast as possible', added),
        row('repeated requests, as fast as possible', repeated),
        row(`new requests, ${newPerSecond} a second`, addedAtRate),
        row(`repeated requests, ${repeatedPerSecond} a second`, repeatedAtRate),
        row('bare sends, SDK to broker', bare),
      ],
      longestBlockMs: Math.round(longestBlockMs),
    };
  } finally {
    await stack.close();
  }
}

async function bareSends(requests: number) {
  const stack = await quietStack({ hosts: [] });
  const { connectionString = '', queue = '' } = stack.endpoints.serviceBus ?? {};
  const client = new ServiceBusClient(connectionString);
  try {
    const sender = client.createSender(queue);
    const body = {
      v: 1,
      uuid: randomBytes(16).toString('hex'),
      n: 1,
      due: 0,
      operation: 'provision',
      service: 'main',
    };
    await load(200, connections, () =>
      sender.sendMessages({ body, messageId: randomBytes(16).toString('hex') }),
    );
    return await load(requests, connections, () =>
      sender.sendMessages({ body, messageId: randomBytes(16).toString('hex') }),
    );
  } finally {
    await client.close();
    await stack.close();
  }
}

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
    const look = followProvisioned(balena);
    let provisioned = 0;
    while (provisioned < devices) {
      await setTimeout(200);
      provisioned = (await look()).size;
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
