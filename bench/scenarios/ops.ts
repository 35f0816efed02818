import { setTimeout } from 'node:timers/promises';
import type { Action } from '../../src/ops/bulk/schema.js';
import type { Overview } from '../../src/ops/overview/schema.js';
import { load, postProvision, type QuietStack, quietStack, residentMb } from '../harness.js';

const service = 'sensor';

/**
 * Measures the operator's work after an outage. A number of requests fail for good, because balena does not know the
 * service; then the service is added. For each of the operator's steps, the duration and the memory of the HTTP host
 * and the worker are measured.
 */
export async function ops(
  devices: number,
  progress: (done: number) => void,
): Promise<{ what: string; ms: number; 'http MB': number; 'worker MB': number }[]> {
  const stack = await quietStack({
    hosts: ['http', 'worker'],
    hub: ['--unthrottled'],
    settings: { IOTHUB_TIER: 'S3', IOTHUB_UNITS: '10' },
  });
  const rows: { what: string; ms: number; 'http MB': number; 'worker MB': number }[] = [];
  const measure = async <R>(what: string, run: () => Promise<R>): Promise<R> => {
    const begun = performance.now();
    const result = await run();
    const ms = Math.round(performance.now() - begun);
    const [http = 0, worker = 0] = await Promise.all(
      stack.hosts.map(({ process }) => residentMb(process.pid)),
    );
    rows.push({ what, ms, 'http MB': http, 'worker MB': worker });
    return result;
  };
  const overview = () => request<Overview>(stack, 'GET', 'overview');
  try {
    const { url, provisionKey } = stack.endpoints.functions;
    const uuids = await newDevices(stack, devices);
    await measure('fail all', async () => {
      await load(devices, 50, (n) => postProvision(url, provisionKey, uuids[n] ?? '', service));
      await until(
        async () => (await overview()).states.failed === devices,
        async () => progress((await overview()).states.failed),
      );
    });
    // Longer than any cache in memory lives.
    await setTimeout(15_000);
    await measure('overview', overview);
    await measure('overview, again', overview);
    await measure('dead letters, first page', () => request(stack, 'GET', 'dead-letters'));
    await measure('dead letters, next page', () => request(stack, 'GET', 'dead-letters?order=oldest'));
    await measure('devices, a page of 1,000', () => request(stack, 'GET', 'records?state=failed&limit=1000'));
    const plan = await measure('plan', () => request<Action>(stack, 'POST', 'actions', { kind: 'replay' }));
    if (plan.counts.planned !== devices) throw new Error(`planned ${plan.counts.planned} of ${devices}`);
    await addService(stack);
    const action = () => request<Action>(stack, 'GET', `actions/${plan.id}`);
    await measure('replay: all requested', async () => {
      await request(stack, 'POST', `actions/${plan.id}/start`, { rate: 6_000 });
      await until(async () => (await action()).counts.requested === devices);
    });
    await measure('replay: progress, one request', action);
    await measure('replay: until all are provisioned', () =>
      until(
        async () => (await action()).state === 'done',
        async () => progress((await action()).counts.succeeded),
      ),
    );
    const { counts } = await action();
    if (counts.succeeded !== devices) throw new Error(`not all were provisioned: ${JSON.stringify(counts)}`);
    return rows;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${stack.tail()}`);
  } finally {
    await stack.close();
  }
}

async function request<R>(
  { endpoints }: QuietStack,
  method: string,
  path: string,
  body?: object,
): Promise<R> {
  const { url, opsKey } = endpoints.functions;
  const response = await fetch(`${url}/api/ops/${path}`, {
    method,
    headers: { 'x-functions-key': opsKey, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as R;
}

async function control<R>({ endpoints }: QuietStack, path: string, body: object): Promise<R> {
  const response = await fetch(`${endpoints.balena?.controlUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`balena's control: ${await response.text()}`);
  return (await response.json().catch(() => null)) as R;
}

async function newDevices(stack: QuietStack, count: number): Promise<string[]> {
  const added = await control<{ uuid: string }[]>(stack, '/devices', { count });
  return added.map(({ uuid }) => uuid);
}

function addService(stack: QuietStack): Promise<unknown> {
  return control(stack, '/fleets', { slug: stack.endpoints.balena?.fleet, services: [service] });
}

/** Waits for a condition, at most half an hour. */
async function until(holds: () => Promise<boolean>, report?: () => Promise<void>): Promise<void> {
  for (let tries = 0; tries < 3_600; tries += 1) {
    if (await holds()) return;
    await report?.();
    await setTimeout(500);
  }
  throw new Error('the condition did not become true within half an hour');
}
