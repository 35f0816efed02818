import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { readDocument } from '../../local/docs/documents.js';
import { runnableBlocks } from '../support/documentCommands.js';
import { signed } from '../support/signedWebhook.js';
import { waitFor } from '../support/waitFor.js';
import { runCommands } from './support/runCommands.js';
import { useSystem } from './support/useSystem.js';
import { event, newSecret, senderWith } from './support/webhooks.js';
import { without } from './support/without.js';

const [oldSecret, secret, foreign] = [newSecret(), newSecret(), newSecret()];
const system = await useSystem({
  devices: 2,
  settings: { WEBHOOK_SECRETS: `${oldSecret}, ${secret}`, DEFAULT_SERVICE: 'main' },
});
const { balena, hub, call, stack } = system;
const { provisionKey, opsKey } = stack.endpoints.functions;
const { send } = senderWith(secret, system);
const unknownUuid = () => randomUUID().replaceAll('-', '');

async function provisionedByWebhook() {
  const uuid = await balena.newDevice();
  await send(event('created', uuid));
  await system.state(uuid, 'provisioned');
  return uuid;
}

test.each([
  ['the new secret', secret],
  ['the one before it', oldSecret],
])('"created", signed with %s, provisions a device at the default service', async (_, used) => {
  const uuid = await balena.newDevice();
  const { status, json, headers } = await senderWith(used, system).send(event('device.created', uuid));
  expect(status).toBe(202);
  expect(headers.get('content-type')).toBe('application/json');
  expect(json).toMatchObject({ outcome: 'accepted', uuid });
  await system.state(uuid, 'provisioned');
  expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
});

test('a request is taken as the provision API takes it, and from senders that cannot sign, with a bearer token', async () => {
  const uuid = await balena.newDevice();
  const body = { uuid: uuid.toUpperCase(), balena_service: 'cloud-relay' };
  const headers = { authorization: `Bearer ${oldSecret}` };
  expect((await call('POST', '/api/webhook', { body, headers })).status).toBe(202);
  await system.state(uuid, 'provisioned');
  expect(Object.keys(await balena.variables(uuid))).toEqual(['cloud-relay']);
});

test('the commands of docs/webhooks.md sign a webhook that is taken', async () => {
  const blocks = runnableBlocks(await readDocument('docs/webhooks.md'));
  expect(await runCommands(blocks, system.folder, { SECRET: secret })).toMatch(/^HTTP\/1\.1 202 /);
  await system.state(stack.endpoints.balena?.devices[1]?.uuid ?? '', 'provisioned');
});

describe('a stranger is refused, and nothing comes of it:', () => {
  const uuid = unknownUuid();
  const body = JSON.stringify({ uuid });
  const old = new Date(Date.now() - 6 * 60_000);
  const sent: [string, string, Record<string, string>][] = [
    ['who sends no signature', body, {}],
    ['who signs with a secret that is not ours', body, signed(foreign, body)],
    ['who sends what another has signed', body, signed(secret, `${body} `)],
    ['who sends again what was signed six minutes ago', body, signed(secret, body, { at: old })],
    ['who sends a wrong token', body, { authorization: `Bearer ${foreign}` }],
    ['who has a function key', body, { 'x-functions-key': provisionKey }],
    ['who has the key of ops', body, { 'x-functions-key': opsKey, authorization: `Bearer ${opsKey}` }],
    ['who sends what is not JSON', '{', signed(foreign, '{')],
  ];
  test.each(sent)('%s', async (_, text, headers) => {
    const answer = await call('POST', '/api/webhook', { body: text, headers });
    expect({ status: answer.status, code: answer.json.code }).toEqual({
      status: 401,
      code: 'webhook.unauthorized',
    });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect((await system.get(uuid)).status).toBe(404);
  });
});

/** Sends the head of a request that announces a body of so many bytes, and no body. @returns the status of the answer */
async function announced(method: string, path: string, bytes: number): Promise<string> {
  const { hostname, port } = new URL(stack.endpoints.functions.url);
  const socket = connect(Number(port), hostname);
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: ${bytes}\r\n\r\n`);
  const [head] = await once(socket, 'data');
  socket.destroy();
  return String(head).split(' ')[1] ?? '';
}

test.each([
  ['POST', '/api/webhook'],
  ['GET', '/api/ops'],
  ['GET', '/api/openapi.json'],
])(
  '%s %s needs no key: the platform refuses 90 MB before the first byte, the function 17 KiB',
  async (method, path) => {
    expect(await announced(method, path, 90 * 1024 * 1024)).toBe('500');
    const body = 'x'.repeat(17 * 1024);
    const { hostname, port } = new URL(stack.endpoints.functions.url);
    const status = await new Promise((resolve, reject) => {
      const headers = { 'content-length': String(body.length) };
      request({ hostname, port, method, path, headers }, (response) => resolve(response.statusCode))
        .on('error', reject)
        .end(body);
    });
    expect(status).toBe(413);
  },
);

describe('what is signed, and cannot be taken, says what to send:', () => {
  const large = JSON.stringify({ type: 'created', text: 'x'.repeat(17 * 1024) });
  test.each([
    ['no JSON', '{', 400, 'webhook.request.bad-body'],
    ['an unknown field', { uuid: unknownUuid(), fleet: 1 }, 400, 'webhook.request.bad-body'],
    ['no device', { type: 'created', data: {} }, 400, 'webhook.request.bad-uuid'],
    ['more than 16 KiB', large, 413, 'webhook.request.too-large'],
  ])('%s', async (_, body, status, code) => {
    const answer = await send(body);
    expect({ status: answer.status, code: answer.json.code }).toEqual({ status, code });
  });

  test('bytes that are not UTF-8', async () => {
    const body = Buffer.from([0x7b, 0xff, 0x7d]);
    const response = await fetch(`${stack.endpoints.functions.url}/api/webhook`, {
      method: 'POST',
      headers: signed(secret, body.toString()),
      body,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'webhook.request.bad-body' });
  });
});

test('other types are answered 202, and ignored in words', async () => {
  const { status, json } = await send(event('renamed', unknownUuid()));
  expect({ status, ...json }).toMatchObject({ status: 202, outcome: 'ignored' });
  expect(json.message).toMatch(/"renamed" are ignored/);
});

test('a webhook that was handled is answered as the first time, without work', async () => {
  const uuid = await balena.newDevice();
  const id = `msg_${randomUUID()}`;
  const first = await send({ uuid }, { id });
  await system.state(uuid, 'provisioned');
  await system.del(uuid);
  const before = await system.state(uuid, 'deprovisioned');

  const again = await send({ uuid }, { id });
  expect([again.status, again.text]).toEqual([first.status, first.text]);
  expect((await system.get(uuid)).json).toEqual(before);

  // The same id with another body is another webhook.
  const other = await send({ uuid, balena_service: 'cloud-relay' }, { id });
  expect(other.json).toMatchObject({ outcome: 'accepted', uuid });
  expect(other.json.requestId).not.toBe(first.json.requestId);
  await system.state(uuid, 'provisioned');
});

test('a sender that cannot sign is never told about an earlier webhook, whatever id it sends', async () => {
  const headers = { authorization: `Bearer ${secret}`, 'webhook-id': 'the only id' };
  for (const uuid of [await balena.newDevice(), await balena.newDevice()]) {
    const { json } = await call('POST', '/api/webhook', { body: event('created', uuid), headers });
    expect(json).toMatchObject({ outcome: 'accepted', uuid });
    await system.state(uuid, 'provisioned');
    await system.del(uuid);
    await system.state(uuid, 'deprovisioned');
    const again = await call('POST', '/api/webhook', { body: { uuid }, headers });
    expect(again.json).toMatchObject({ outcome: 'accepted', uuid });
  }
});

test('Svix names the headers of the signature in its own way, and some senders add a byte order mark', async () => {
  const uuid = await balena.newDevice();
  const text = JSON.stringify(event('created', uuid));
  const headers = Object.fromEntries(
    Object.entries(signed(secret, text)).map(([name, value]) => [name.replace('webhook', 'svix'), value]),
  );
  const { json } = await call('POST', '/api/webhook', { body: `\ufeff${text}`, headers });
  expect(json).toMatchObject({ outcome: 'accepted', uuid });
});

describe.each([
  ['records', 'tables', ['records-unavailable', 'timed-out']],
  ['queue', 'serviceBus', ['queue-unavailable', 'timed-out']],
] as const)('while the %s hangs', (_, name, codes) => {
  test('the sender gets a 503 while the dependency still hangs, and a repeated event does no harm', async () => {
    const uuid = await balena.newDevice();
    const gone = await provisionedByWebhook();
    await balena.removeDevice(gone);
    const id = randomUUID();
    const hanging = await without(stack, name, () =>
      Promise.all([
        send(event('created', uuid), { id: `${id}.1` }),
        send(event('deleted', gone), { id: `${id}.2` }),
      ]),
    );
    for (const { status, json, headers } of hanging) {
      expect(status).toBe(503);
      expect(codes).toContain(json.code);
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    }

    await hub.forget();
    for (const round of [1, 2, 3]) {
      const answers = await waitFor(`round ${round} is taken`, async () => {
        const both = await Promise.all([
          send(event('created', uuid), { id: `${id}.1` }),
          send(event('deleted', gone), { id: `${id}.2` }),
        ]);
        return both.every(({ status }) => status === 202) && both;
      });
      // A message that was sent during the outage may have arrived and may be done. Then no job is left.
      expect(answers.map(({ json }) => json)).toMatchObject([
        { outcome: expect.stringMatching(/^(accepted|ignored)$/), uuid },
        { outcome: 'checked', uuid: gone },
      ]);
    }
    await system.state(uuid, 'provisioned');
    expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
    await waitFor('the hub identity is gone', async () => (await hub.thumbprints(gone)) === null);
    expect((await hub.requested()).counts['PUT /devices/{id}']).toEqual({ 200: 1 });
  });
});

test('"deleted" removes the hub identity of a device that balena does not know any more', async () => {
  const uuid = await provisionedByWebhook();
  expect(await hub.thumbprints(uuid)).toHaveLength(2);
  await balena.removeDevice(uuid);
  expect((await send(event('deleted', uuid))).json).toMatchObject({ outcome: 'checked', uuid });
  await waitFor('the hub identity is gone', async () => (await hub.thumbprints(uuid)) === null);
});

test('"deleted" for a device that is still there, or was never asked for, changes nothing', async () => {
  const uuid = await provisionedByWebhook();
  const before = await system.credentials(uuid);
  await balena.forget();
  expect((await send(event('deleted', uuid))).status).toBe(202);
  await waitFor('a worker has looked', async () => (await balena.requested()).total > 0);
  await system.state(uuid, 'provisioned');
  expect(await system.credentials(uuid)).toEqual(before);

  const never = unknownUuid();
  expect((await send(event('deleted', never))).json).toMatchObject({ outcome: 'ignored' });
  expect((await system.get(never)).status).toBe(404);
});

test('events in any order, many times and at once, do no harm', async () => {
  const uuid = await provisionedByWebhook();
  const before = await system.credentials(uuid);
  await hub.forget();
  const types = ['online', 'deleted', 'created', 'updated'];
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, at) => send(event(types[(at * 7) % types.length]!, uuid))),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  await waitFor('nothing is under way', async () => {
    const messages = await system.queue.messages();
    return !messages.some(({ body }) => body?.uuid === uuid);
  });
  await system.state(uuid, 'provisioned');
  const { PUT, DELETE } = Object.fromEntries(
    Object.entries((await hub.requested()).counts).map(([request, counts]) => [
      request.split(' ')[0],
      counts,
    ]),
  );
  expect([PUT, DELETE]).toEqual([undefined, undefined]);
  expect(await system.credentials(uuid)).toEqual(before);
});
