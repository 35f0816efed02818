import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { getSdk } from 'balena-sdk';
import type { BalenaEndpoints } from '../local/simulators/balena/startBalena.js';
import type { Endpoints } from '../local/stack/Endpoints.js';
import { type Stack, type StackOptions, startStack } from '../local/stack/startStack.js';
import { readConfig } from '../src/config/config.js';
import { type App, openApp } from '../src/openApp.js';

export interface QuietStack extends Stack {
  /** Deliveries that workers have ended. */
  deliveries(): number;
  /** Messages that workers have dead-lettered. */
  deadLetters(): number;
  /** The last lines that the processes printed, for when something went wrong. */
  tail(): string;
}

/** A fresh system for one measurement, that prints nothing: its lines are counted. */
export async function quietStack(options: Omit<StackOptions, 'folder' | 'onLine'>): Promise<QuietStack> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const last: string[] = [];
  let deliveries = 0;
  let deadLetters = 0;
  const stack = await startStack({
    ...options,
    folder,
    freePorts: true,
    onLine(name, line) {
      if (line.includes('worker: message ')) deliveries += 1;
      if (line.includes(': dead-lettered, ')) deadLetters += 1;
      if (last.push(`${name} ${line}`) > 40) last.shift();
    },
  });
  return {
    ...stack,
    deliveries: () => deliveries,
    deadLetters: () => deadLetters,
    tail: () => last.join('\n'),
    async close() {
      await stack.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** What a tool of ops opens: the app, in this process, beside those of a system. This process trusts the system's hub from then on. */
export function openAppOf(
  { balena, iotHub, serviceBus, tables }: Endpoints,
  settings: Record<string, string> = {},
): App {
  if (!balena || !iotHub || !serviceBus || !tables) throw new Error('a simulator is missing');
  setDefaultCACertificates([...getCACertificates('bundled'), readFileSync(iotHub.caFile, 'utf8')]);
  return openApp(
    readConfig({
      BALENA_API_URL: balena.apiUrl,
      BALENA_API_KEY: balena.apiKey,
      IOTHUB_CONNECTION_STRING: iotHub.connectionString,
      SERVICEBUS_CONNECTION: serviceBus.connectionString,
      PROVISIONING_QUEUE: serviceBus.queue,
      RECORDS_CONNECTION: tables.connectionString,
      ...settings,
    }),
  );
}

/** UUIDs of the devices that have both variables at a service: one request for all. */
export async function devicesWithVariables({ apiUrl, apiKey }: BalenaEndpoints): Promise<string[]> {
  const sdk = getSdk({ apiUrl, dataDirectory: false });
  await sdk.auth.loginWithToken(apiKey);
  const has = (name: string) =>
    `service_install/any(i:i/device_service_environment_variable/any(v:v/name eq '${name}'))`;
  const rows = await sdk.pine.get({
    resource: 'device',
    options: { $select: ['uuid'], $filter: { $raw: `${has('AZURE_CERT')} and ${has('AZURE_PRIVATE_KEY')}` } },
  } as never);
  return (rows as unknown as { uuid: string }[]).map(({ uuid }) => uuid);
}

/** Resident memory of a process, MB; 0 where the system does not tell (only Linux does). */
export async function residentMb(pid: number | undefined): Promise<number> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_024);
  } catch {
    return 0;
  }
}
