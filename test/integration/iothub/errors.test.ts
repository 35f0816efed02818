import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpsServer } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen, localCertificate } from '../../../local/simulators/shared/loopback.js';
import { openHubRegistry } from '../../../src/iothub/registry.js';
import type { HubRegistry } from '../../../src/iothub/types.js';
import { startProxy } from '../../support/startProxy.js';
import { everythingIn, thrownBy } from '../../support/thrownBy.js';
import { ms, thumbprints, useHub } from '../../support/useHub.js';
import { waitFor } from '../../support/waitFor.js';

const iotHub = await useHub();
const { hub, tell, stored, versionOf } = iotHub;
await hub.create('there', thumbprints('A'), ms);
let version = await versionOf('there');
afterEach(() => tell('DELETE /faults'));
const stranger = await startStranger();
afterAll(stranger.close);

type Call = (hub: HubRegistry, deadlineMs?: number) => Promise<unknown>;
const operations: [string, Call][] = [
  ['get', (on, deadline = ms) => on.get('there', deadline)],
  ['create', (on, deadline = ms) => on.create('new', thumbprints('A'), deadline)],
  ['update', (on, deadline = ms) => on.update('there', thumbprints('B'), version, deadline)],
  ['remove', (on, deadline = ms) => on.remove('there', deadline)],
];
const writes = operations.slice(1);
operations.push(['ping', (on, deadline = ms) => on.ping(deadline)]);
/** Error bodies in the format of IoT Hub. */
const words = (code: string, text = 'as the hub says it') => ({ Message: `ErrorCode:${code};${text}` });
const page = { headers: { 'content-type': 'text/html' }, body: '<html><h1>Welcome</h1></html>' };
const later = { dependency: 'hub' };

test.each([
  ['create', 'new'],
  ['update', 'there'],
])('a write (%s) is done only if the answer shows the written thumbprints', async (name, deviceId) => {
  const x509Thumbprint = { primaryThumbprint: 'C'.repeat(64), secondaryThumbprint: 'C'.repeat(64) };
  await tell('PUT /faults', [
    { status: 200, body: { deviceId, etag: 'e', authentication: { x509Thumbprint } } },
  ]);
  const call = operations.find(([operation]) => operation === name)![1];
  expect(await thrownBy(call(hub))).toMatchObject({
    ...later,
    code: 'hub-unavailable',
    outcomeUnknown: true,
  });
});

describe.each(operations)('%s', (name, call) => {
  const write = !['get', 'ping'].includes(name);
  const answered = async (fault: object) => {
    await tell('PUT /faults', [fault]);
    return thrownBy(call(hub));
  };

  test.each([
    ['a refused signature', 401, words('IotHubUnauthorizedAccess'), 'hub-unauthorized'],
    ['a policy without the right', 403, words('IotHubUnauthorizedAccess'), 'hub-unauthorized'],
    ['the daily quota', 403, words('IotHubQuotaExceeded'), 'hub-quota-exceeded'],
    ['the daily quota by its number', 403, { errorCode: 403002 }, 'hub-quota-exceeded'],
    ['a full hub', 403, words('TooManyDevices'), 'hub-quota-exceeded'],
    ['a 404 that is not of the hub', 404, page.body, 'hub-unavailable'],
    ['a 404 without a body', 404, undefined, 'hub-unavailable'],
    ['a 401 with a page', 401, page.body, 'hub-unavailable'],
    ['a 403 with a page', 403, page.body, 'hub-unavailable'],
    ['a 400 with a page', 400, page.body, 'hub-unavailable'],
    ['a 412 with a page', 412, page.body, 'hub-unavailable'],
    ['a 410 without a body', 410, undefined, 'hub-unavailable'],
    ['a 410 of a hub that is being moved', 410, words('Gone'), 'hub-unavailable'],
    ['a 423', 423, words('Locked'), 'hub-unavailable'],
    ['a redirect', 302, page.body, 'hub-unavailable'],
  ])('%s (%i) is retried later, and has changed nothing', async (_, status, body, code) => {
    expect(await answered({ status, body })).toMatchObject({ ...later, code, outcomeUnknown: false });
  });

  test('a request that the hub rejects is final', async () => {
    expect(await answered({ status: 400, body: words('ArgumentInvalid') })).toMatchObject({
      code: 'hub-rejected',
      outcomeUnknown: false,
      message: expect.stringContaining('400 ArgumentInvalid'),
    });
  });

  test.each([
    ['by its text', {}, 'Wait 7 seconds and try again.', 7_000],
    ['by its header', { 'Retry-After': '3' }, 'Slow down.', 3_000],
    ['of one second', {}, 'wait 1 second', 1_000],
    ['without a hint', {}, 'Slow down.', 10_000],
    [
      'until a date',
      { 'Retry-After': new Date(Date.now() + 3_600_000).toUTCString() },
      'Slow down.',
      600_000,
    ],
    ['of more than ten minutes', { 'Retry-After': '86400' }, 'Slow down.', 600_000],
  ])('a throttle %s is waited for', async (_, headers, text, afterMs) => {
    expect(await answered({ status: 429, headers, body: words('ThrottlingException', text) })).toMatchObject({
      code: 'hub-throttled',
      retryAfterMs: afterMs,
      dependency: 'hub',
      outcomeUnknown: false,
    });
  });

  test.each([
    ['500', { status: 500, body: words('ServerError') }],
    ['503', { status: 503, ...page }],
    ['408', { status: 408 }],
    ["200 with a proxy's page", { status: 200, ...page }],
    ['200 with broken JSON', { status: 200, headers: { 'content-type': 'application/json' }, body: '{"a' }],
    ['200 with another device', { status: 200, body: { deviceId: 'other' } }],
    ['a connection that is cut', { reset: true }],
    ['half an answer', { halfAnswer: true }],
  ])('%s leaves open what a write has done', async (_, fault) => {
    expect(await answered(fault)).toMatchObject({ ...later, code: 'hub-unavailable', outcomeUnknown: write });
  });

  test('a call to a hub that hangs times out at the deadline, and the connection is destroyed', async () => {
    await tell('PUT /faults', [{ hang: true }]);
    const proxy = await startProxy(iotHub.httpsPort);
    const own = openAt(proxy.port);
    expect(await thrownBy(call(own, 300))).toMatchObject({
      ...later,
      code: 'timed-out',
      outcomeUnknown: write,
    });
    await waitFor('no connection is open', () => proxy.open() === 0);
    own.close();
    await proxy.stop();
  });

  test('after a refused connection the hub has received no request', async () => {
    const own = openAt(await closedPort());
    expect(await thrownBy(call(own))).toMatchObject({
      ...later,
      code: 'hub-unavailable',
      outcomeUnknown: false,
    });
    own.close();
  });

  test('after an untrusted certificate the hub has received no request', async () => {
    const own = openAt(stranger.port);
    expect(await thrownBy(call(own))).toMatchObject({
      ...later,
      code: 'hub-unavailable',
      outcomeUnknown: false,
    });
    expect(stranger.requested()).toBe(0);
    own.close();
  });

  test('no error carries the key or a signature, whatever prints it', async () => {
    const faults = [
      { status: 401, body: words('X') },
      { status: 500 },
      { reset: true },
      { halfAnswer: true },
    ];
    for (const fault of faults) {
      const text = everythingIn(await answered(fault));
      expect(text).not.toContain(iotHub.key);
      expect(text).not.toMatch(/SharedAccess|sig=/);
    }
  });
});

test('a key that the hub does not know is refused, and is not in the error', async () => {
  const key = Buffer.alloc(32, 'wrong').toString('base64');
  const connectionString = iotHub.connectionString.replace(iotHub.key, key);
  const own = openHubRegistry({ connection: { connectionString } });
  const error = await thrownBy(own.create('new', thumbprints('A'), ms));
  expect(error).toMatchObject({ code: 'hub-unauthorized', outcomeUnknown: false });
  expect(everythingIn(error)).not.toContain(key);
  own.close();
});

test.each(writes)('a %s that was refused may have happened', async (name, call) => {
  if (name !== 'create') await hub.create('there', thumbprints('A'), ms);
  version = await versionOf('there');
  await hub.remove('new', ms);
  await tell('PUT /faults', [{ status: 500, effect: 'now' }]);
  expect(await thrownBy(call(hub))).toMatchObject({ outcomeUnknown: true });
  await tell('DELETE /faults');
  const found = await stored(name === 'create' ? 'new' : 'there');
  expect(found).toEqual({ create: thumbprints('A'), update: thumbprints('B'), remove: 'none' }[name]);
});

function openAt(port: number): HubRegistry {
  const connectionString = iotHub.connectionString.replace(/localhost:\d+/, `localhost:${port}`);
  return openHubRegistry({ connection: { connectionString } });
}

async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server, 0);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A server with an untrusted certificate. */
async function startStranger() {
  const folder = await mkdtemp(join(tmpdir(), 'stranger-'));
  let requested = 0;
  const server = createHttpsServer(await localCertificate(folder), (_request, response) => {
    requested += 1;
    response.end();
  });
  const port = await listen(server, 0);
  return {
    port,
    requested: () => requested,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}
