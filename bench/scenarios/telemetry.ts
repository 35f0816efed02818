import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { listen } from '../../local/simulators/shared/loopback.js';
import { followProvisioned, load, postProvision, quietStack } from '../harness.js';

export interface TelemetryFigures {
  telemetry: string;
  'accepted/s': number;
  'repeated requests/s': number;
  'devices/s': number;
}

type Mode = 'off' | 'on';

/** Durations of the turns, ms. */
type Spent = Record<Mode, number[]>;

const modes: Mode[] = ['off', 'on'];
/** Requests in a turn of each mode: about half a second. */
const burst = 250;
/** Turns before the measurement, to warm up connections and compiled code. */
const warmUps = 4;
const connections = 50;

/**
 * Measures the cost of telemetry: accepting new and repeated requests, and provisioning as fast as one worker can.
 * Turns with and without telemetry alternate in one run: a change of the machine's speed affects both. A collector
 * takes the telemetry and drops everything. The collector works on the same cores.
 *
 * @param devices in each mode
 * @param rounds the number of parts into which the worker's devices are divided
 */
export async function telemetry(
  devices: number,
  rounds: number,
): Promise<{ rows: TelemetryFigures[]; bytesPerDevice: number }> {
  let bytes = 0;
  const collector = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  const endpoint = `http://127.0.0.1:${await listen(collector, 0)}`;
  const settings = {
    off: { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
    on: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
  };
  try {
    const requested = await measureAsking(Math.ceil(devices / burst) * 6, settings);
    bytes = 0;
    const each = Math.ceil(devices / rounds);
    const worked = await measureWork(each, rounds, settings);
    const perSecond = (count: number, spent: number[]) => Math.round((count / median(spent)) * 10_000) / 10;
    const row = (mode: Mode) => ({
      telemetry: mode,
      'accepted/s': perSecond(burst, requested.accepted[mode]),
      'repeated requests/s': perSecond(burst * 2, requested.repeated[mode]),
      'devices/s': perSecond(each, worked[mode]),
    });
    const difference = {
      telemetry: 'costs, %',
      'accepted/s': costs(requested.accepted),
      'repeated requests/s': costs(requested.repeated),
      'devices/s': costs(worked),
    };
    return { rows: [row('off'), row('on'), difference], bytesPerDevice: Math.round(bytes / (each * rounds)) };
  } finally {
    collector.closeAllConnections();
    collector.close();
  }
}

/** The median over the ratios of neighbouring turns: a disturbance of single turns does not show. */
function costs({ off, on }: Spent): number {
  return Math.round((1 - median(off.map((ms, turn) => ms / (on[turn] ?? ms)))) * 1_000) / 10;
}

/** Not rounded, unlike `percentiles`: a rounded ratio would be useless. */
function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Starts two HTTP hosts, one in each mode, and sends requests to both in turns. No worker runs. */
async function measureAsking(bursts: number, settings: Record<Mode, Record<string, string>>) {
  const stack = await quietStack({ hosts: [] });
  try {
    const { provisionKey } = stack.endpoints.functions;
    const hosts = {
      off: await stack.startHost('http', settings.off),
      on: await stack.startHost('http', settings.on),
    };
    const accepted: Spent = { off: [], on: [] };
    const repeated: Spent = { off: [], on: [] };
    for (let turn = -warmUps; turn < bursts; turn += 1) {
      for (const mode of turn % 2 === 0 ? modes : modes.toReversed()) {
        const { url = '' } = hosts[mode].endpoints;
        const uuids = Array.from({ length: burst }, () => randomBytes(16).toString('hex'));
        const send = async (times: number, spent: number[]) => {
          const started = performance.now();
          await load(times, connections, (i) => postProvision(url, provisionKey, uuids[i % burst] ?? ''));
          if (turn >= 0) spent.push(performance.now() - started);
        };
        await send(burst, accepted[mode]);
        await send(burst * 2, repeated[mode]);
      }
    }
    return { accepted, repeated };
  } finally {
    await stack.close();
  }
}

/** Starts one worker after the other, each with devices waiting for a worker. */
async function measureWork(
  devices: number,
  rounds: number,
  settings: Record<Mode, Record<string, string>>,
): Promise<Spent> {
  // The first part only warms up the simulators.
  const parts: Mode[] = [
    'off',
    ...Array.from({ length: rounds }, (_, i) => (i % 2 ? modes : modes.toReversed())).flat(),
  ];
  const stack = await quietStack({
    devices: devices * parts.length,
    hub: ['--unthrottled'],
    // A rate beyond the reach of any worker.
    settings: { ...process.env, IOTHUB_TIER: 'S3', IOTHUB_UNITS: '200', ...settings.off },
    hosts: ['http'],
  });
  try {
    const { functions, balena } = stack.endpoints;
    if (!balena) throw new Error('the measurement needs the simulators: unset BALENA_…');
    const spent: Spent = { off: [], on: [] };
    const look = followProvisioned(balena);
    for (const [part, mode] of parts.entries()) {
      const uuids = balena.devices.slice(part * devices, (part + 1) * devices).map(({ uuid }) => uuid);
      // The HTTP host has no telemetry. A worker with telemetry then begins the traces, and produces the same number
      // of spans.
      await load(devices, connections, (i) =>
        postProvision(functions.url, functions.provisionKey, uuids[i] ?? ''),
      );
      const worker = await stack.startHost('worker', settings[mode]);
      const started = performance.now();
      const wanted = (part + 1) * devices;
      for (let provisioned = 0; provisioned < wanted; ) {
        await setTimeout(100);
        provisioned = (await look()).size;
        if (performance.now() - started > 600_000)
          throw new Error(`only ${provisioned} of ${wanted}:\n${stack.tail()}`);
      }
      if (part > 0) spent[mode].push(performance.now() - started);
      await worker.stop();
    }
    return spent;
  } finally {
    await stack.close();
  }
}
