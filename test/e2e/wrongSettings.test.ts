import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { startBroker } from '../../local/simulators/servicebus/startBroker.js';
import { settingNames } from '../../src/config/settings.js';
import { openQueueManagement } from '../../src/queue/administration.js';
import { openQueue } from '../../src/queue/queue.js';
import { waitFor } from '../support/waitFor.js';
import { hub, storage, webhookSecret } from '../unit/config/support/environment.js';
import { type Run, runNode } from './support/runNode.js';

/* The built functions in the local host, with a wrong setting: what a device, a sender of webhooks and an operator get. */

const folder = await mkdtemp(join(tmpdir(), 'wrong-'));
const keysFile = join(folder, 'keys.json');
const functions = { provision: { default: 'p' }, health: { default: 'h' }, ops: { default: 'o' } };
await writeFile(keysFile, JSON.stringify({ master: 'm', host: { default: 'x' }, functions }));
const broker = await startBroker({ port: 0, queues: [{ name: 'provisioning' }], log: () => {} });
const { connectionString, caFile } = broker.endpoints;
setDefaultCACertificates([...getCACertificates('bundled'), await readFile(caFile, 'utf8')]);
const queueOptions = { connection: { connectionString }, queue: 'provisioning' };
const running: Run[] = [];
afterAll(async () => {
  for (const { process: child, ended } of running) {
    child.kill('SIGTERM');
    await ended;
  }
  await broker.close();
  await rm(folder, { recursive: true });
});

const none = Object.fromEntries(settingNames.map((name) => [name, undefined]));
const right = {
  ...none,
  BALENA_API_KEY: 'key',
  IOTHUB_CONNECTION_STRING: hub,
  SERVICEBUS_CONNECTION: connectionString,
  RECORDS_CONNECTION: storage,
  WEBHOOK_SECRETS: webhookSecret,
  NODE_EXTRA_CA_CERTS: caFile,
};

/** Starts the functions. @returns the process, and the address */
async function start(env: Record<string, string | undefined>, only?: 'http') {
  const host = runNode(
    'local/simulators/functions-host/main.js',
    ['--app', process.cwd(), '--port', '0', '--keys', keysFile, ...(only ? ['--only', only] : [])],
    { ...right, ...env },
  );
  running.push(host);
  await host.prints(/functions host is ready: .*\n/);
  return { host, url: /"url":"([^"]+)"/.exec(host.output())?.[1] ?? '' };
}

async function stop({ process: child, ended }: Run) {
  child.kill('SIGTERM');
  await ended;
}

const get = async (url: string, init: RequestInit = {}) => {
  const response = await fetch(url, init);
  const type = response.headers.get('content-type') ?? '';
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    type,
    text: await response.text(),
  };
};
const refused = { status: 503, retryAfter: '60', type: 'application/problem+json' };
const reference = '@Microsoft.KeyVault(SecretUri=https://hunter2.vault.azure.net/secrets/S)';
/** Settings that decide how the functions are registered and how telemetry starts, before the settings are checked. Each is wrong alone. */
const alone = [
  'BALENA_API_KEY',
  'SERVICEBUS_CONNECTION',
  'RECORDS_CONNECTION',
  'PROVISIONING_QUEUE',
  'WEBHOOK_SECRETS',
  'SWEEP_SCHEDULE',
  'RENEW_SCHEDULE',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
];
const others = settingNames.filter((name) => !alone.includes(name));
const wrong: [string, Record<string, string | undefined>][] = [
  ...alone.map((name): (typeof wrong)[number] => [name, { [name]: reference }]),
  ['all other settings', Object.fromEntries(others.map((name) => [name, reference]))],
  ['a missing setting', { BALENA_API_KEY: undefined }],
  [
    'no number, and no schedule',
    { IOTHUB_UNITS: 'hunter2', SWEEP_SCHEDULE: 'hunter2', RENEW_SCHEDULE: 'hunter2' },
  ],
];

test.each(wrong)(
  '%s: device, sender and operator get a 503, and the operator reads the settings',
  async (_, settings) => {
    const { host, url } = await start(settings, 'http');
    const names = Object.keys(settings);
    const device = { method: 'POST', body: JSON.stringify({ uuid: 'ab'.repeat(16) }) };
    const requested = await get(`${url}/api/provision?code=p`, device);
    const asked = await get(`${url}/api/provision/${'ab'.repeat(16)}?code=p`);
    const overview = await get(`${url}/api/ops/overview?code=o`);
    for (const answer of [requested, asked, overview]) {
      expect(answer).toMatchObject(refused);
      for (const name of names) expect(JSON.parse(answer.text).detail).toContain(name);
    }
    const sent = await get(`${url}/api/webhook`, { method: 'POST', body: '{"type":"created"}' });
    const page = await get(`${url}/api/ops`);
    const description = await get(`${url}/api/openapi.json`);
    for (const answer of [sent, page, description]) {
      expect(answer).toMatchObject(refused);
      expect(answer.text).not.toMatch(new RegExp(`${names.join('|')}|[A-Z]+_[A-Z]+`));
    }
    const health = await get(`${url}/api/health?code=h`);
    expect(health).toMatchObject({ status: 503, retryAfter: '60' });
    for (const name of names) {
      expect(health.text).toMatch(new RegExp(`^configuration: NOT OK, .*\\b${name}\\b`, 'm'));
      expect(host.output()).toContain(name);
    }
    const all = [host.output(), health.text, requested.text, overview.text].join();
    expect(all).not.toMatch(/hunter2/);
    await stop(host);
  },
);

const message = () => ({
  v: 1 as const,
  uuid: 'ab'.repeat(16),
  requestId: randomUUID(),
  generation: 1,
  due: 0,
  operation: 'provision' as const,
  service: 'main',
});

test('the worker puts messages off, and uses up no delivery', async () => {
  const queue = openQueue(queueOptions);
  const management = openQueueManagement(queueOptions);
  const sent = message();
  await queue.send(sent, { messageId: `${sent.requestId}.1`, at: 0 });
  const action = { v: 1 as const, action: randomUUID(), generation: 3, due: 0 };
  await queue.sendWakeUp(action, { messageId: `${action.action}.3`, at: 0 });
  const { host } = await start({ BALENA_API_KEY: reference });
  // The worker completes each message after its copy is scheduled.
  await waitFor('both are put off', async () => {
    const depths = await management.depths();
    return depths?.scheduled === 2 && depths.active === 0;
  });
  expect(await management.depths()).toEqual({ active: 0, scheduled: 2, deadLettered: 0 });
  expect(host.output()).not.toMatch(/abandoned/);
  await stop(host);
  await queue.close();
});

test.each(['SERVICEBUS_CONNECTION', 'PROVISIONING_QUEUE'])(
  'with a wrong %s nothing is received, and the host runs',
  async (name) => {
    const { host, url } = await start({ [name]: reference });
    expect(host.output()).not.toMatch(/"worker"/);
    expect(await get(`${url}/api/provision?code=p`, { method: 'POST', body: '{}' })).toMatchObject(refused);
    await stop(host);
  },
);
