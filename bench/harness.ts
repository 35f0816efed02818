import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import tls from 'node:tls';
import type { BalenaEndpoints } from '../local/simulators/balena/startBalena.js';
import type { NewVariable } from '../local/simulators/balena/variables.js';
import type { Endpoints } from '../local/stack/Endpoints.js';
import { type Stack, type StackOptions, startStack } from '../local/stack/startStack.js';
import { readConfig } from '../src/config/config.js';
import { type App, openApp } from '../src/openApp.js';

export interface QuietStack extends Stack {
  /** Deliveries finished by workers. */
  deliveries(): number;
  /** Messages dead-lettered by workers. */
  deadLetters(): number;
  /** Circuits that workers opened. */
  openedCircuits(): number;
  /** The last printed lines of all processes, for error messages. */
  tail(): string;
}

/** Starts a fresh system for one measurement. The system prints nothing; the lines are counted. */
export async function quietStack(options: Omit<StackOptions, 'folder' | 'onLine'>): Promise<QuietStack> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const last: string[] = [];
  let deliveries = 0;
  let deadLetters = 0;
  let openedCircuits = 0;
  const stack = await startStack({
    ...options,
    folder,
    freePorts: true,
    onLine(name, line) {
      if (line.includes('worker: message ')) deliveries += 1;
      if (line.includes(': dead-lettered, ')) deadLetters += 1;
      if (/\b(balena|hub) fails \(/.test(line)) openedCircuits += 1;
      if (last.push(`${name} ${line}`) > 40) last.shift();
    },
  });
  return {
    ...stack,
    deliveries: () => deliveries,
    deadLetters: () => deadLetters,
    openedCircuits: () => openedCircuits,
    tail: () => last.join('\n'),
    async close() {
      await stack.close();
      await rm(folder, { recursive: true });
    },
  };
}

/**
 * Opens the app in this process, with the dependencies of a running system, as an operator's tool does. From then on,
 * this process trusts the system's hub.
 */
export function openAppOf(
  { balena, iotHub, serviceBus, tables }: Endpoints,
  settings: Record<string, string> = {},
): App {
  if (!balena || !iotHub || !serviceBus || !tables) throw new Error('a simulator is missing');
  tls.setDefaultCACertificates([...tls.getCACertificates('bundled'), readFileSync(iotHub.caFile, 'utf8')]);
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

/** The variables that a provisioned device has. */
const wantedVariables = ['AZURE_CERT', 'AZURE_PRIVATE_KEY'];

/**
 * Follows the devices that get both variables at a service of their fleet. Each look costs as much as there are new variables: a list of
 * all devices, twice a second, would use more of the two cores than the measured system.
 *
 * @returns a function that looks again, and returns the UUIDs of all devices with both variables, always in the same set
 */
export function followProvisioned({ controlUrl }: BalenaEndpoints): () => Promise<ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const provisioned = new Set<string>();
  let after = 0;
  return async () => {
    const answer = await fetch(`${controlUrl}/variables?after=${after}`);
    for (const { id, uuid, name } of (await answer.json()) as NewVariable[]) {
      after = id;
      const names = found.get(uuid) ?? new Set();
      found.set(uuid, names.add(name));
      if (wantedVariables.every((each) => names.has(each))) provisioned.add(uuid);
    }
    return provisioned;
  };
}

/** Resident memory of a process and its children, MB. Elsewhere than on Linux, 0. */
export async function residentMb(pid: number | string | undefined): Promise<number> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean);
    const own = Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_024);
    return (await Promise.all(children.map(residentMb))).reduce((sum, mb) => sum + mb, own);
  } catch {
    return 0;
  }
}

export interface LoadResult {
  perSecond: number;
  /** Latency of each call, ms. */
  latencies: number[];
}

/**
 * Makes a number of calls, `atATime` in flight.
 *
 * @param perSecond rate of the calls. A call's latency counts from the due time, even if all `atATime` places were
 *   taken then. Default: as fast as possible
 * @throws the error of the first failing call
 */
export async function load(
  calls: number,
  atATime: number,
  call: (i: number) => Promise<void>,
  perSecond = Number.POSITIVE_INFINITY,
): Promise<LoadResult> {
  const latencies: number[] = [];
  let next = 0;
  const started = performance.now();
  const lane = async () => {
    while (next < calls) {
      const i = next;
      next += 1;
      const due = Number.isFinite(perSecond) ? started + (i / perSecond) * 1_000 : performance.now();
      const wait = due - performance.now();
      if (wait > 0) await setTimeout(wait);
      await call(i);
      latencies.push(performance.now() - due);
    }
  };
  await Promise.all(Array.from({ length: atATime }, lane));
  return { perSecond: Math.round((calls / (performance.now() - started)) * 1_000), latencies };
}

/** Sends a device's request. @throws Error if the answer is not 202 */
export async function postProvision(url: string, key: string, uuid: string, service = 'main'): Promise<void> {
  const response = await fetch(`${url}/api/provision?code=${key}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uuid, balena_service: service }),
  });
  const text = await response.text();
  if (response.status !== 202) throw new Error(`POST answered ${response.status}: ${text}`);
}

/** Percentiles of some measurements, rounded to a tenth. @param parts for example 0.5 for the median */
export function percentiles(values: number[], ...parts: number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return parts.map((part) => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
    return Math.round(value * 10) / 10;
  });
}
