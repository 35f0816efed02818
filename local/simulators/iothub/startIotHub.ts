import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyFaults } from '../shared/applyFaults.js';
import { listen } from '../shared/listen.js';
import { localCertificate } from '../shared/localCertificate.js';
import type { Simulator } from '../shared/runSimulator.js';
import { startControl } from '../shared/startControl.js';
import { loadPolicies } from './access.js';
import { controlRoutes } from './controlRoutes.js';
import { createTelemetryLog, shortId, telemetryLine } from './deviceMessages.js';
import { startMqttServer } from './mqttServer.js';
import { createQueryView } from './queries.js';
import { createRegistry, openDeviceStore } from './registry.js';
import { registryApi, registryPattern } from './registryApi.js';
import { createThrottle, maxDevices, queryLimits, registryLimits, type Tier, unlimited } from './throttle.js';

export interface IotHubOptions {
  /** Of the registry. Default 8443; 0 for any free one. */
  httpsPort?: number;
  /** For the devices. Default 8883; 0 for any free one. */
  mqttPort?: number;
  /** Take free ports when these are in use, instead of failing. */
  orFreePort?: boolean;
  /** Where identities, keys and certificate are kept. Default: in memory, and a temporary certificate. */
  folder?: string;
  /** Default S1 × 1: 100 registry operations a minute. */
  tier?: Tier;
  units?: number;
  /** No throttle at all; operations are still counted. */
  unthrottled?: boolean;
  /** One readable line per event, never a key. */
  onEvent?(line: string): void;
}

export interface IotHubEndpoints {
  /** Of the policy `iothubowner`; its host name carries the port. */
  connectionString: string;
  httpsPort: number;
  mqttPort: number;
  /** PEM file of the certificate to trust, for both ports. */
  caFile: string;
  /** Of the control server: faults, requests, throttle, telemetry (see controlRoutes.ts). */
  controlUrl: string;
}

/** The longest that an idle connection is kept, milliseconds: HTTP.sys, which the hub runs on, keeps it so long. */
const keepAliveMs = 120_000;

/** Of a bulk call of 100 devices, with room. */
const maxBodyBytes = 2 * 1024 * 1024;

/** A simulator for an IoT Hub: its identity registry over HTTPS, and its MQTT server for devices over MQTT. On loopback only. */
export async function startIotHub(options: IotHubOptions = {}): Promise<Simulator<IotHubEndpoints>> {
  const closers: Array<() => unknown> = [];
  const close = async () => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    return { endpoints: await start(options, closers), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(options: IotHubOptions, closers: Array<() => unknown>): Promise<IotHubEndpoints> {
  const { folder, orFreePort, tier = 'S1', units = 1 } = options;
  // Lines quote what strangers send: no control character may break one up, or reach a terminal.
  const onEvent = (line: string) => options.onEvent?.(line.replaceAll(/\p{Cc}/gu, ' '));
  const home = folder ?? (await mkdtemp(join(tmpdir(), 'iothub-')));
  if (!folder) closers.push(() => rm(home, { recursive: true }));
  const certificate = await localCertificate(home);
  const policies = await loadPolicies(folder);
  const queryView = createQueryView(openDeviceStore(folder));
  const { store } = queryView;
  closers.push(store.close);
  const size = { tier, units };
  const throttle = createThrottle(options.unthrottled ? unlimited : registryLimits(size));
  const queryThrottle = createThrottle(options.unthrottled ? unlimited : queryLimits(size));
  const telemetry = createTelemetryLog();

  const mqttServer = await startMqttServer({
    certificate,
    port: options.mqttPort ?? 8883,
    orFreePort,
    device: store.get,
    onTelemetry(event) {
      telemetry.add(event);
      onEvent(telemetryLine(event));
    },
    onEvent,
  });
  closers.push(mqttServer.close);
  const registry = createRegistry({
    store,
    maxDevices: maxDevices(size),
    onChange({ deviceId, what }) {
      onEvent(`device ${shortId(deviceId)} ${what}`);
      mqttServer.recheck(deviceId);
    },
  });
  const control = await startControl({
    routes: controlRoutes({ throttle, queryThrottle, queryView, telemetry, mqttServer }),
  });
  closers.push(control.close);

  const { isConnected } = mqttServer;
  const handle = registryApi({ registry, store, policies, throttle, queryThrottle, queryView, isConnected });
  const { key, cert, caFile } = certificate;
  const server = createServer(
    { key, cert, minVersion: 'TLSv1.2', keepAliveTimeout: keepAliveMs },
    applyFaults(control, { handle, pattern: registryPattern, maxBodyBytes, onEvent }),
  );
  const httpsPort = await listen(server, options.httpsPort ?? 8443, orFreePort);
  closers.push(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    throttle.close();
    queryThrottle.close();
    await closed;
  });

  const [owner] = policies;
  return {
    connectionString: `HostName=localhost:${httpsPort};SharedAccessKeyName=${owner?.name};SharedAccessKey=${owner?.key}`,
    httpsPort,
    mqttPort: mqttServer.port,
    caFile,
    controlUrl: control.url,
  };
}
