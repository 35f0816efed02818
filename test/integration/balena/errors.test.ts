import { createServer } from 'node:net';
import { listen } from '../../../local/simulators/shared/loopback.js';
import { openBalenaClient } from '../../../src/balena/client.js';
import type { BalenaClient, ScopedVariables } from '../../../src/balena/types.js';
import { startProxy } from '../../support/startProxy.js';
import { everythingIn, thrownBy } from '../../support/thrownBy.js';
import { waitFor } from '../../support/waitFor.js';
import { useBalena } from '../local/balena/useBalena.js';

const stand = await useBalena();
const { apiUrl, apiKey, device, control } = stand;
const balena = openBalenaClient({ apiUrl, apiKey, callTimeoutMs: 60_000 });
afterEach(async () => {
  await control('DELETE', '/faults');
  await control('PUT', '/throttle', { requestsPerMinute: null });
});

const secret = Buffer.from('-----BEGIN PRIVATE KEY-----\nthe key that is being stored').toString('base64');
await control('PUT', `/devices/${device.uuid}/variables`, { variables: { AZURE_CERT: 'held' } });
const { scopes } = (await balena.findDevice(device.uuid))!;
const scopedVariables = scopes.get('')!;
const held = scopedVariables.variables.AZURE_CERT!;

type Call = (on: BalenaClient) => Promise<unknown>;
const operations: [string, Call][] = [
  ['find', (on) => on.findDevice(device.uuid)],
  ['seesFleet', (on) => on.seesFleet('local/demo')],
  ['store of a new variable', (on) => on.store('', scopedVariables, 'AZURE_PRIVATE_KEY', secret)],
  ['store of an existing variable', (on) => on.store('', scopedVariables, 'AZURE_CERT', secret)],
  ['add', (on) => on.add('', scopedVariables, 'AZURE_PRIVATE_KEY', secret)],
  ['remove', (on) => on.remove('', held)],
  ['ping', (on) => on.ping(60_000)],
];
const later = { dependency: 'balena' };
const json = { 'content-type': 'application/json' };
const page = { headers: { 'content-type': 'text/html' }, body: '<html><h1>Welcome</h1></html>' };

describe.each(operations)('%s', (name, call) => {
  const write = !['find', 'seesFleet', 'ping'].includes(name);
  const answered = async (fault: object) => {
    await control('PUT', '/faults', [fault]);
    return thrownBy(call(balena));
  };

  test.each([401, 403])(
    '%i is about our key, or about the right to write: nothing has changed',
    async (status) => {
      expect(await answered({ status })).toMatchObject({
        ...later,
        code: write ? 'balena-write-refused' : 'balena-unauthorized',
        outcomeUnknown: false,
      });
    },
  );

  test.each<[string, object]>([
    ['a 404 without a body', { status: 404 }],
    ['a page with 404', { status: 404, gateway: true }],
    ['a page with 403', { status: 403, gateway: true }],
    ['a page with 400', { status: 400, gateway: true }],
    ...[402, 405, 406, 410, 411, 412, 414, 415, 418, 423, 424, 426, 428, 431, 451].map(
      (status): [string, object] => [`${status}`, { status }],
    ),
  ])('%s is no answer of balena: the request is tried again', async (_, fault) => {
    expect(await answered(fault)).toMatchObject({
      ...later,
      code: 'balena-unavailable',
      message: expect.stringContaining('check BALENA_API_URL'),
      outcomeUnknown: false,
    });
  });

  test.each([
    ['Retry-After', { 'Retry-After': '7' }, 7_000],
    ['no Retry-After', {}, 30_000],
    ['a date as Retry-After', { 'Retry-After': new Date(Date.now() + 3_600_000).toUTCString() }, 600_000],
    ['a Retry-After of more than ten minutes', { 'Retry-After': '86400' }, 600_000],
  ])('429 with %s is waited for', async (_, headers, afterMs) => {
    expect(await answered({ status: 429, headers })).toMatchObject({
      code: 'balena-throttled',
      retryAfterMs: afterMs,
      dependency: 'balena',
      outcomeUnknown: false,
    });
  });

  test('409 is looked at again soon', async () => {
    // For `add`, an existing row is no error.
    const body = name === 'add' ? 'Data is referenced by device.' : '"device" and "name" must be unique.';
    expect(await answered({ status: 409, body })).toMatchObject({
      code: 'balena-conflict',
      retryAfterMs: 1_000,
      outcomeUnknown: false,
    });
  });

  test('409 for a device that has just gone says so', async () => {
    expect(await answered({ status: 409, body: 'Data is referenced by device.' })).toMatchObject({
      code: 'balena-conflict',
      message: expect.stringContaining('The device, or the variables of the device, have just changed'),
    });
  });

  test.each([400, 413, 422])('%i is final', async (status) => {
    expect(await answered({ status, body: 'no line breaks' })).toMatchObject({
      code: 'balena-rejected',
      outcomeUnknown: false,
    });
  });

  test.each([
    ['500', { status: 500, body: 'oops' }],
    ['503', { status: 503, ...page }],
    ['408', { status: 408 }],
    ["200 with a proxy's page", { status: 200, ...page }],
    ['200 with broken JSON', { status: 200, headers: json, body: '{"d": [' }],
    ['502 with an empty body that calls itself JSON', { status: 502, headers: json, body: '' }],
    ['a connection that is reset', { reset: true }],
    ['half an answer', { halfAnswer: true }],
  ])('%s leaves open what a write has done', async (_, fault) => {
    expect(await answered(fault)).toMatchObject({
      ...later,
      code: 'balena-unavailable',
      outcomeUnknown: write,
    });
  });

  test('a call to a balena that hangs times out at the deadline, and the connection is closed', async () => {
    await control('PUT', '/faults', [{ hang: true }]);
    const proxy = await startProxy(Number(new URL(apiUrl).port));
    const own = openBalenaClient({ apiUrl: `http://127.0.0.1:${proxy.port}/`, apiKey, callTimeoutMs: 300 });
    expect(await thrownBy(call(own))).toMatchObject({ ...later, code: 'timed-out', outcomeUnknown: write });
    expect(proxy.made()).toBeGreaterThan(0);
    await waitFor('no connection is open', () => proxy.open() === 0);
    await proxy.stop();
  });

  test('after a refused connection balena has received no request', async () => {
    const own = openBalenaClient({ apiUrl: await closedUrl(), apiKey });
    expect(await thrownBy(call(own))).toMatchObject({
      ...later,
      code: 'balena-unavailable',
      outcomeUnknown: false,
    });
  });

  test('no error carries the value being stored or our key, whatever prints it', async () => {
    const faults = [
      ...[400, 401, 403, 409, 429, 500].map((status) => ({ status, body: `you sent ${secret}` })),
      { status: 200, headers: json, body: `broken ${secret}` },
      { reset: true },
    ];
    const refused = openBalenaClient({ apiUrl: await closedUrl(), apiKey });
    const errors = [await thrownBy(call(refused))];
    for (const fault of faults) errors.push(await answered(fault));
    for (const error of errors) {
      const text = everythingIn(error);
      expect(text).not.toContain(secret);
      expect(text).not.toContain(apiKey);
    }
  });
});

test('a key that balena does not know is refused, and is not in the error', async () => {
  const own = openBalenaClient({ apiUrl, apiKey: 'wrong-key-0123456789' });
  const error = await thrownBy(own.store('', scopedVariables, 'AZURE_CERT', secret));
  expect(error).toMatchObject({ code: 'balena-write-refused' });
  expect(everythingIn(error)).not.toContain('wrong-key');
  expect(await thrownBy(own.findDevice(device.uuid))).toMatchObject({ code: 'balena-unauthorized' });
  expect(await thrownBy(own.ping(1_000))).toMatchObject({ code: 'balena-unauthorized' });
});

test("balena's own throttle is waited for as long as it asks", async () => {
  await control('PUT', '/throttle', { requestsPerMinute: 30, windowSeconds: 2 });
  await balena.seesFleet(null);
  expect(await thrownBy(balena.seesFleet(null))).toMatchObject({
    code: 'balena-throttled',
    retryAfterMs: 2_000,
  });
});

test('a value with a line break is rejected for good', async () => {
  expect(await thrownBy(balena.store('', scopedVariables, 'AZURE_PRIVATE_KEY', 'a\nb'))).toMatchObject({
    code: 'balena-rejected',
  });
});

test('a variable that appeared meanwhile is looked at again soon', async () => {
  const unaware: ScopedVariables = { ...scopedVariables, variables: {} };
  expect(await thrownBy(balena.store('', unaware, 'AZURE_CERT', 'other'))).toMatchObject({
    code: 'balena-conflict',
    retryAfterMs: 1_000,
  });
});

test('a variable that appeared meanwhile with the same value is stored: an earlier try has created it', async () => {
  const unaware: ScopedVariables = { ...scopedVariables, variables: {} };
  await balena.store('', unaware, 'AZURE_PRIVATE_KEY', 'same');
  await balena.store('', unaware, 'AZURE_PRIVATE_KEY', 'same');
  expect(await thrownBy(balena.store('', unaware, 'AZURE_PRIVATE_KEY', 'other'))).toMatchObject({
    code: 'balena-conflict',
  });
});

async function closedUrl(): Promise<string> {
  const server = createServer();
  const port = await listen(server, 0);
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}/`;
}
