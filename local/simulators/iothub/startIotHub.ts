import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyFaults } from '../shared/applyFaults.js';
import { createConnections } from '../shared/connections.js';
import { listen, localCertificate } from '../shared/loopback.js';
import type { Simulator } from '../shared/runSimulator.js';
import { startControl } from '../shared/startControl.js';
import { controlRoutes } from './controlRoutes.js';
import { createTelemetryLog, shortId, telemetryLine } from './deviceMessages.js';
import { startMqttServer } from './mqttServer.js';
import { createQueryView } from './queries.js';
import { createRegistry, openDeviceStore, usualRules } from './registry.js';
import { loadPolicies, registryApi, registryPattern } from './registryApi.js';
import { createThrottle, maxDevices, queryLimits, registryLimits, type Tier, unlimited } from './throttle.js';

export interface IotHubOptions {
  /** Port of the registry. Default 8443; 0 for any free port. */
  httpsPort?: number;
  /** Port for the devices. Default 8883; 0 for any free port. */
  mqttPort?: number;
  /** Take free ports instead of failing when the ports are in use. */
  orFreePort?: boolean;
  /** Folder of identities, keys and certificate. Default: in memory, and a temporary certificate. */
  folder?: string;
  /** Default S1 × 1: 100 registry operations a minute. */
  tier?: Tier;
  units?: number;
  /** No throttle; operations are still counted. */
  unthrottled?: boolean;
  /** Called with a line of text for each event. The line never holds a key. */
  onEvent?(line: string): void;
}

export interface IotHubEndpoints {
  /** Connection string of the policy `iothubowner`. The host name includes the port. */
  connectionString: string;
  httpsPort: number;
  mqttPort: number;
  /** PEM file of the certificate to trust, for both ports. */
  caFile: string;
  /** The control server: faults, requests, throttle, telemetry (see controlRoutes.ts). */
  controlUrl: string;
}

/** Longest life of an idle connection, milliseconds. HTTP.sys, under the real hub, has the same value. */
const keepAliveMs = 120_000;

/** Enough for a bulk call of 100 devices. */
const maxBodyBytes = 2 * 1024 * 1024;

/**
 * Starts a simulator of an IoT Hub: the identity registry over HTTPS, and the MQTT server for devices. All on
 * loopback.
 */
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
  // Lines quote text from clients. A control character must neither break a line nor reach a terminal.
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

  const connections = createConnections();
  const mqttServer = await startMqttServer({
    certificate,
    connections,
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
  const rules = { ...usualRules };
  const registry = createRegistry({
    store,
    rules,
    maxDevices: maxDevices(size),
    onChange({ deviceId, what }) {
      onEvent(`device ${shortId(deviceId)} ${what}`);
      mqttServer.recheck(deviceId);
    },
  });
  const control = await startControl({
    connections,
    routes: controlRoutes({ throttle, queryThrottle, queryView, rules, telemetry, mqttServer }),
  });
  closers.push(control.close);

  const { isConnected } = mqttServer;
  const handle = registryApi({ registry, store, policies, throttle, queryThrottle, queryView, isConnected });
  const { key, cert, caFile } = certificate;
  const server = createServer(
    { key, cert, minVersion: 'TLSv1.2', keepAliveTimeout: keepAliveMs },
    applyFaults(control, { handle, pattern: registryPattern, maxBodyBytes, onEvent }),
  );
  connections.watch(server);
  const httpsPort = await listen(server, options.httpsPort ?? 8443, orFreePort);
  closers.push(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    connections.close();
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
