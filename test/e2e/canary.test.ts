import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TableClient } from '@azure/data-tables';
import { projectFolder } from '../../local/stack/projectFolder.js';
import { minter } from '../../src/certificates/mint.js';
import { rotate } from '../../src/fleet/rotate.js';
import { signed } from '../support/signedWebhook.js';
import { waitFor } from '../support/waitFor.js';
import { appOf } from './support/appOf.js';
import { anyPrivateKey, findLeaks } from './support/findLeaks.js';
import { untilStatus } from './support/provisionApi.js';
import { readFiles } from './support/readFiles.js';
import { readTables } from './support/readTables.js';
import { recordAnswers } from './support/recordAnswers.js';
import { runNode } from './support/runNode.js';
import type { Fault } from './support/simulatorControl.js';
import { startCollector } from './support/startCollector.js';
import { toText } from './support/toText.js';
import { useSystem } from './support/useSystem.js';
import { event, newSecret, senderWith } from './support/webhooks.js';
import { without } from './support/without.js';

const startedAt = Date.now();
const home = await mkdtemp(join(tmpdir(), 'canary-home-'));
const lines: string[] = [];
const [oldSecret, secret] = [newSecret(), newSecret()];
const { answers, stop } = recordAnswers(() => url);
let url = 'http://127.0.0.1:1';
const collector = await startCollector();
const collectorKey = randomBytes(16).toString('hex');
const system = await useSystem({
  lockSeconds: 12,
  settings: {
    WEBHOOK_SECRETS: `${oldSecret},${secret}`,
    DEVICE_PROOF: 'accepted',
    WORK_LIMIT_SECONDS: '6',
    LEASE_GRACE_SECONDS: '6',
    MAX_ATTEMPTS: '2',
    LONGEST_BACK_OFF_SECONDS: '2',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `api-key=${collectorKey}`,
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_BLRP_SCHEDULE_DELAY: '100',
    // The folders in which libraries keep data.
    HOME: home,
    TMPDIR: home,
  },
  onLine: (name, line) => lines.push(`${name}: ${line}`),
});
const { balena, hub, queue, call, stack } = system;
const { functions, tables, serviceBus, iotHub, balena: balenaEndpoints } = stack.endpoints;
url = functions.url;
const app = appOf(system);
const { provisionKey, deprovisionKey } = functions;
afterAll(async () => {
  stop();
  await collector.close();
  await rm(home, { recursive: true });
});

const keyIn = (connectionString = '') =>
  /(?:SharedAccessKey|AccountKey)=([^;]+)/.exec(connectionString)?.[1] ?? '';
const hostKeys = JSON.parse(await readFile(join(system.folder, 'keys.json'), 'utf8'));
/** All secrets, by name. */
const secrets: Record<string, string> = {
  ...anyPrivateKey,
  'the API key of balena': balenaEndpoints?.apiKey ?? '',
  'the key of the hub': keyIn(iotHub?.connectionString),
  'the key of Service Bus': keyIn(serviceBus?.connectionString),
  'the key of the storage account': keyIn(tables?.connectionString),
  'the webhook secret': secret,
  'the webhook secret without its prefix': secret.slice('whsec_'.length),
  'the webhook secret before it': oldSecret,
  'the master key': hostKeys.master,
  'the host key': hostKeys.host.default,
  'the key of provision': provisionKey,
  'the key of deprovision': deprovisionKey,
  'the key of ops': functions.opsKey,
  'the key of the collector': collectorKey,
};

async function newDevice() {
  const [device] = await balena.tell<{ uuid: string; apiKey: string }[]>('POST /devices', {});
  if (!device) throw new Error('the balena simulator made no device');
  secrets[`the API key of ${device.uuid}`] = device.apiKey;
  return device;
}
/** From here on, the private keys of the device are secrets too. */
async function rememberKeys(uuid: string) {
  for (const [place, { AZURE_PRIVATE_KEY = '' }] of Object.entries(await balena.variables(uuid))) {
    secrets[`the private key of ${uuid} at "${place}" ${randomUUID()}`] = Buffer.from(
      AZURE_PRIVATE_KEY,
      'base64',
    ).toString();
  }
}
const ask = (uuid: string, service: string, authorization?: string) =>
  call('POST', `/api/provision?code=${encodeURIComponent(provisionKey)}`, {
    body: { uuid, balena_service: service },
    headers: authorization === undefined ? {} : { authorization },
  });
const restartHost = async () => {
  await stack.hosts.at(-1)?.kill();
  await stack.startHost('all');
};

/** Everything that any process has written, except in the stores of the simulators that hold their own keys, and in the file of the local CA. */
async function whatWasWritten(): Promise<Record<string, string>> {
  const deadLetters = [...(await queue.messages()), ...(await queue.deadLetters())];
  const own = ['balena', 'iothub', 'servicebus', 'tables', 'endpoints.json', 'keys.json', 'ca.pem'];
  const project = await readFiles(projectFolder(), ['node_modules', '.git', 'dist', '.local'], startedAt);
  return {
    logs: lines.join('\n'),
    answers: answers.join('\n'),
    telemetry: collector.received(),
    queue: toText(deadLetters),
    records: await readTables(tables?.connectionString ?? ''),
    ...prefixed('its folder', await readFiles(system.folder, own)),
    ...prefixed('home', await readFiles(home, [])),
    ...prefixed('the project', project),
  };
}
const prefixed = (where: string, files: Record<string, string>) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`${where}, ${name}`, text]));

describe('the system goes through', () => {
  test('successes: provisioned, moved, asked for again, undone', async () => {
    const { uuid, apiKey } = await newDevice();
    const proof = `Bearer ${apiKey}`;
    expect((await ask(uuid, 'main', proof)).status).toBe(202);
    await system.state(uuid, 'provisioned');
    await rememberKeys(uuid);
    await untilStatus(409, () => ask(uuid, 'main', proof));
    expect((await ask(uuid, 'cloud-relay')).json.code).toBe('provision.proof-missing');
    expect((await ask(uuid, 'cloud-relay', proof)).status).toBe(202);
    await system.state(uuid, 'provisioned');
    await rememberKeys(uuid);
    expect((await ask(uuid, 'main', proof)).json.code).toBe('service-conflict');
    expect((await system.health()).status).toBe(200);
    await system.del(uuid);
    await system.state(uuid, 'deprovisioned');
    expect(Object.keys(secrets).filter((name) => name.startsWith('the private key of'))).toHaveLength(2);
  });

  test('refusals: keys, proofs, webhooks, bodies', async () => {
    const { uuid, apiKey } = await newDevice();
    const other = await newDevice();
    const body = JSON.stringify({ uuid });
    const statuses = [
      await call('POST', `/api/provision?code=${deprovisionKey}`, { body }),
      await call('DELETE', `/api/provision/${uuid}`, { key: provisionKey }),
      await ask(uuid, 'main', `Bearer ${other.apiKey}`),
      await ask(uuid, 'main', `Bearer ${balenaEndpoints?.apiKey}`),
      await ask(uuid, 'main', `Basic ${apiKey}`),
      await call('POST', '/api/webhook', { body, headers: signed(newSecret(), body) }),
      await call('POST', '/api/webhook', { body: `${body} `, headers: signed(secret, body) }),
      await call('POST', '/api/webhook', { body, headers: { authorization: `Bearer ${secret}x` } }),
      await call('POST', '/api/webhook', { body: '{', headers: { authorization: `Bearer ${secret}` } }),
      await call('POST', '/api/provision', { key: provisionKey, body: '{' }),
      await call('POST', '/api/provision', { key: provisionKey, body: { uuid, long: 'x'.repeat(17_000) } }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 401, 401, 400, 400, 413]);
    await balena.fault({ path: 'whoami', times: 1, status: 500 });
    expect((await ask(uuid, 'main', `Bearer ${apiKey}`)).json.code).toBe('balena-unavailable');
  });

  test('webhooks that are taken', async () => {
    const { uuid } = await newDevice();
    await senderWith(secret, system).send(event('created', uuid), { id: 'canary' });
    await senderWith(secret, system).send(event('created', uuid), { id: 'canary' });
    const headers = { authorization: `Bearer ${oldSecret}` };
    expect((await call('POST', '/api/webhook', { body: event('online', uuid), headers })).status).toBe(202);
    await system.state(uuid, 'provisioned');
    await rememberKeys(uuid);
  });

  test('an own key, beside an issued one: registered, renewed, sent by mistake, and revoked', async () => {
    const { uuid, apiKey } = await newDevice();
    await ask(uuid, 'main');
    await system.state(uuid, 'provisioned');
    await rememberKeys(uuid);
    const mint = minter();
    const register = async (form: (pair: { cert: string; key: string }) => string) => {
      const minted = await mint(uuid, Date.now());
      const [cert, key] = [minted.certificate, minted.privateKey].map((text) =>
        Buffer.from(text, 'base64').toString(),
      ) as [string, string];
      secrets[`an own key of ${uuid} ${randomUUID()}`] = key;
      return call('POST', '/api/provision', {
        key: provisionKey,
        body: { uuid, certificate: form({ cert, key }) },
        headers: { authorization: `Bearer ${apiKey}` },
      });
    };
    for (const _ of ['first', 'renewed']) {
      expect((await register(({ cert }) => cert)).status).toBe(202);
      await system.state(uuid, 'provisioned');
    }
    const withKey = [
      ({ cert, key }: { cert: string; key: string }) => cert + key,
      ({ key }: { key: string }) => Buffer.from(key).toString('base64'),
      ({ key }: { key: string }) =>
        key.replace('PRIVATE KEY', 'CERTIFICATE').replace('PRIVATE KEY', 'CERTIFICATE'),
      ({ key }: { key: string }) => key.split('\n')[1] ?? '',
    ];
    for (const form of withKey) expect((await register(form)).status).toBe(400);
    await rotate(app, uuid, { revoke: true });
    await system.state(uuid, 'failed');
  });

  test('requests that fail for good, and messages that are none', async () => {
    const { uuid } = await newDevice();
    const unknown = randomUUID().replaceAll('-', '');
    await ask(uuid, 'mian');
    await ask(unknown, 'main');
    for (const each of [uuid, unknown]) await system.state(each, 'failed');
    expect((await ask(uuid, 'mian')).status).toBe(422);
    await queue.send({ v: 1, uuid: 'x' });
    await queue.send('{');
    // A device that balena does not have and never had leaves no dead letter.
    await waitFor('they are dead-lettered', async () => (await queue.deadLetters()).length >= 3);
  });

  test('a host that is killed at work and started again', async () => {
    const { uuid } = await newDevice();
    const held = await balena.fault({ path: 'environment_variable', method: 'POST', hang: true, times: 1 });
    await waitFor('it is taken', async () => (await ask(uuid, 'main')).status === 202);
    await held(1);
    await restartHost();
    await balena.noFaults();
    expect((await system.state(uuid, 'provisioned')).state).toBe('provisioned');
    await rememberKeys(uuid);
  });

  const store = { method: 'POST', path: 'environment_variable' };
  /** Each fault hits a device of its own. */
  const faults: ['hub' | 'balena', Fault][] = [
    ['hub', { method: 'PUT', status: 429, headers: { 'Retry-After': '1' }, times: 1 }],
    ['hub', { method: 'PUT', status: 500, times: 1 }],
    ['hub', { method: 'PUT', reset: true, effect: 'now', times: 1 }],
    ['hub', { method: 'PUT', hang: true, times: 1 }],
    ['hub', { method: 'PUT', status: 400, times: 1 }],
    ['balena', { ...store, status: 429, headers: { 'Retry-After': '1' }, times: 1 }],
    ['balena', { ...store, status: 500, effect: 'now', times: 1 }],
    ['balena', { ...store, status: 409, times: 1 }],
    ['balena', { ...store, reset: true, times: 2 }],
    ['balena', { ...store, hang: true, effect: 'now', times: 1 }],
    ['balena', { ...store, status: 200, body: '<html>', times: 1 }],
    ['balena', { ...store, status: 400, times: 2 }],
  ];
  /** A refused key stops all work until a probe has succeeded. */
  const refusedKeys: typeof faults = [
    ['hub', { method: 'PUT', status: 401, times: 1 }],
    ['balena', { ...store, status: 401, times: 2 }],
  ];
  const goesWrong = async ([side, fault]: (typeof faults)[number]) => {
    const { uuid } = await newDevice();
    const hit = await (side === 'hub'
      ? hub.fault({ ...fault, path: uuid })
      : balena.fault({ ...fault, subject: uuid }));
    await ask(uuid, 'main');
    // The circuit may be open because of another fault. In any case one run meets this fault.
    expect(await hit(1)).toBe(true);
  };
  test('what goes wrong at the hub and at balena', async () => {
    await Promise.all(faults.map(goesWrong));
  });

  test.each(refusedKeys)('a key that %s refuses: %j', async (...fault) => {
    await goesWrong(fault);
  });

  test.each(['tables', 'serviceBus'] as const)('an outage of %s', async (name) => {
    const { uuid } = await newDevice();
    const body = event('created', (await newDevice()).uuid);
    const away = await without(stack, name, () =>
      Promise.all([ask(uuid, 'main'), senderWith(secret, system).send(body), system.health()]),
    );
    expect(away.map(({ status }) => status)).toEqual([503, 503, 503]);
  });

  test('a start with settings that are wrong', async () => {
    const wrong = {
      BALENA_API_KEY: balenaEndpoints?.apiKey,
      BALENA_API_URL: `balena ${balenaEndpoints?.apiKey}`,
      IOTHUB_CONNECTION_STRING: `HostName=;SharedAccessKey=${secrets['the key of the hub']}`,
      SERVICEBUS_CONNECTION: `Endpoint=x;SharedAccessKey=${secrets['the key of Service Bus']}`,
      RECORDS_CONNECTION: `Account=local;AccountKey=${secrets['the key of the storage account']}`,
      WEBHOOK_SECRETS: `${secret} ${oldSecret}`,
    };
    const host = runNode(
      'local/simulators/functions-host/main.js',
      ['--app', projectFolder(), '--port', '0'],
      {
        ...wrong,
        HOME: home,
      },
    );
    await host.prints(/functions host is ready: .*\n/);
    const url = /"url":"([^"]+)"/.exec(host.output())?.[1] ?? '';
    const answers = await Promise.all(
      ['webhook', 'ops', 'openapi.json'].map((path) => fetchText(`${url}/api/${path}`)),
    );
    host.process.kill('SIGTERM');
    await host.ended;
    expect(host.output()).toContain('WEBHOOK_SECRETS');
    lines.push(host.output(), ...answers);
  });
});

test('and nothing that it wrote has a secret in it', async () => {
  const uuids = Object.keys(secrets).map((name) => /^the API key of ([0-9a-f]{32})$/.exec(name)?.[1] ?? '');
  for (const uuid of uuids.filter((each) => each !== '')) await rememberKeys(uuid);
  const places = await whatWasWritten();
  for (const place of ['logs', 'answers', 'telemetry', 'queue', 'records'])
    expect(places[place]?.length).toBeGreaterThan(1_000);
  expect(findLeaks(secrets, places)).toEqual([]);
});

test('the search would have found one, wherever it were written', async () => {
  const planted = `canary-${randomBytes(16).toString('hex')}`;
  // Each secret is planted in a format that the system writes to this place.
  await queue.send({ v: 1, planted }, { messageId: planted });
  await call('POST', '/api/provision', { key: provisionKey, body: { uuid: '0'.repeat(32), [planted]: 1 } });
  const connection = tables?.connectionString ?? '';
  const table = TableClient.fromConnectionString(connection, 'system', { allowInsecureConnection: true });
  await table.createEntity({ partitionKey: 'planted', rowKey: 'planted', json: JSON.stringify({ planted }) });
  await writeFile(join(home, 'planted'), planted);
  await writeFile(join(system.folder, 'planted'), Buffer.from(planted).toString('base64'));
  await waitFor('it is logged', () => lines.some((line) => line.includes(planted)));
  await waitFor('it is a letter', async () =>
    (await queue.deadLetters()).some(({ messageId }) => messageId === planted),
  );

  const leaks = findLeaks({ planted }, await whatWasWritten());
  const where = new Set(leaks.map((leak) => leak.split(':')[0]));
  expect([...where].sort()).toEqual(
    ['answers', 'home, planted', 'its folder, planted', 'logs', 'queue', 'records'].sort(),
  );
});

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url);
  return response.text();
}
