import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { listen } from '../../local/listen.js';
import { devicesWithVariables } from '../devicesWithVariables.js';
import { load } from '../load.js';
import { postProvision } from '../postProvision.js';
import { quietStack } from '../quietStack.js';

export interface TelemetryFigures {
  telemetry: string;
  'accepted/s': number;
  'repeated asks/s': number;
  'devices/s': number;
}

type Mode = 'off' | 'on';

/** Off and on, on and off, and so on: whatever gets slower or faster on the machine meanwhile does so to both. */
const order: Mode[] = ['off', 'on', 'on', 'off'];

const warmUp = 500;

interface Spent {
  acceptMs: number;
  repeatMs: number;
  workMs: number;
}

/**
 * What telemetry costs: accepting new requests and the same again, and provisioning as fast as one worker can, in parts by turns without and with
 * it, all against one system. Each part has an HTTP host and a worker of its own. A collector takes what is sent, and drops it;
 * its work is on the same cores.
 *
 * @param devices of each part
 * @param rounds of four parts
 */
export async function telemetry(
  devices: number,
  rounds: number,
): Promise<{ rows: TelemetryFigures[]; bytesPerDevice: number; parts: (Spent & { mode: Mode })[] }> {
  let bytes = 0;
  const collector = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  const endpoint = `http://127.0.0.1:${await listen(collector, 0)}`;
  // The very first warms up the stand-ins, and does not count.
  const modes: Mode[] = ['off', ...Array.from({ length: rounds }, () => order).flat()];
  const stack = await quietStack({
    devices: devices * modes.length,
    hub: ['--unthrottled'],
    settings: { ...process.env, IOTHUB_TIER: 'S3', IOTHUB_UNITS: '200' },
    hosts: [],
  });
  try {
    const { functions, balena } = stack.endpoints;
    if (!balena) throw new Error('this measures against the stand-ins: unset BALENA_…');
    const parts: (Spent & { mode: Mode })[] = [];
    for (const [part, mode] of modes.entries()) {
      const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: mode === 'on' ? endpoint : '' };
      const uuids = balena.devices.slice(part * devices, (part + 1) * devices).map(({ uuid }) => uuid);

      const http = await stack.startHost('http', settings);
      const ask = async (times: number, among: number) => {
        const started = performance.now();
        await load(times, 50, (i) =>
          postProvision(functions.url, functions.provisionKey, uuids[i % among] ?? ''),
        );
        return performance.now() - started;
      };
      // Connections and compiled code are not what is measured.
      await ask(warmUp, 1);
      const acceptMs = await ask(devices, devices);
      const repeatMs = await ask(devices, devices);
      await http.stop();

      const worker = await stack.startHost('worker', settings);
      const working = performance.now();
      const wanted = (part + 1) * devices;
      for (let provisioned = 0; provisioned < wanted; ) {
        await setTimeout(100);
        provisioned = (await devicesWithVariables(balena)).length;
        if (performance.now() - working > 600_000)
          throw new Error(`only ${provisioned} of ${wanted}:\n${stack.tail()}`);
      }
      if (part > 0) parts.push({ mode, acceptMs, repeatMs, workMs: performance.now() - working });
      await worker.stop();
    }
    const total = (mode: Mode, what: keyof Spent) =>
      parts.filter((part) => part.mode === mode).reduce((sum, part) => sum + part[what], 0);
    const count = (devices * parts.length) / 2;
    const rate = (mode: Mode, what: keyof Spent) => Math.round((count / total(mode, what)) * 10_000) / 10;
    const costs = (what: keyof Spent) =>
      Math.round((1 - total('off', what) / total('on', what)) * 1_000) / 10;
    const row = (telemetry: Mode) => ({
      telemetry,
      'accepted/s': rate(telemetry, 'acceptMs'),
      'repeated asks/s': rate(telemetry, 'repeatMs'),
      'devices/s': rate(telemetry, 'workMs'),
    });
    return {
      rows: [
        row('off'),
        row('on'),
        {
          telemetry: 'costs, %',
          'accepted/s': costs('acceptMs'),
          'repeated asks/s': costs('repeatMs'),
          'devices/s': costs('workMs'),
        },
      ],
      bytesPerDevice: Math.round(bytes / count),
      parts,
    };
  } finally {
    await stack.close();
    collector.closeAllConnections();
    collector.close();
  }
}
