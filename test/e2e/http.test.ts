import { randomUUID } from 'node:crypto';
import { type Answer, type CallOptions, untilStatus } from './support/provisionApi.js';
import { useSystem } from './support/useSystem.js';

const system = await useSystem({ settings: { DEFAULT_SERVICE: 'main', FLEETS: 'local/demo' } });
const { balena, call } = system;
const { provisionKey, deprovisionKey, opsKey } = system.stack.endpoints.functions;
const uuid = randomUUID().replaceAll('-', '');
const post = (body: unknown, path = '') => call('POST', `/api/provision${path}`, { key: provisionKey, body });

/** An RFC 9457 problem document with these. */
function expectProblem({ status, headers, json }: Answer, expected: { status: number; code: string }) {
  expect({ status, code: json.code }).toEqual(expected);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(json).toMatchObject({
    type: 'about:blank',
    title: expect.stringMatching(/\w/),
    status,
    detail: expect.stringMatching(/\w/),
  });
}

describe('keys', () => {
  const calls: [string, string, string, string][] = [
    ['asking', 'POST', '/api/provision', provisionKey],
    ['seeing the state', 'GET', `/api/provision/${uuid}`, provisionKey],
    ['undoing', 'DELETE', `/api/provision/${uuid}`, deprovisionKey],
    ['health', 'GET', '/api/health', opsKey],
  ];
  test.each(calls)('%s needs its own', async (_, method, path, key) => {
    const statusWith = async (options: CallOptions) => (await call(method, path, options)).status;
    expect(await statusWith({})).toBe(401);
    expect(await statusWith({ key: 'wrong' })).toBe(401);
    for (const other of [provisionKey, deprovisionKey, opsKey]) {
      const status = await statusWith({ key: other });
      expect({ other: other === key, refused: status === 401 }).toEqual({
        other: other === key,
        refused: other !== key,
      });
    }
  });

  test('a key may come in the URL, as it stands in PROVISION_URL', async () => {
    const answer = await call('POST', `/api/provision?code=${provisionKey}`, {
      body: { uuid, balena_service: 'main' },
    });
    expect(answer.status).toBe(202);
  });
});

test.each([
  ['PUT', '/api/provision'],
  ['PATCH', `/api/provision/${uuid}`],
  ['POST', '/api/health'],
  // There is no webhook where WEBHOOK_SECRETS is not set.
  ['POST', '/api/webhook'],
  ['GET', '/api/provision/a/b'],
])('%s %s is not there', async (method, path) => {
  expect((await call(method, path, { key: provisionKey })).status).toBe(404);
});

describe('a request that cannot be taken says what to send', () => {
  const long = 'x'.repeat(17 * 1024);
  const bad = (why: string) => ({ status: 400, code: `provision.request.${why}` });
  const rows: [string, unknown, { status: number; code: string }, RegExp][] = [
    ['no body', undefined, bad('no-body'), /without Content-Length \(chunked\) does not arrive\. Send JSON/],
    ['a blank body', ' \n', bad('no-body'), /Send JSON/],
    ['what is not JSON', '{"uuid": ', bad('bad-body'), /not JSON/],
    ['an array', [{ uuid }], bad('bad-body'), /JSON object/],
    ['null', 'null', bad('bad-body'), /JSON object/],
    ['a text', '"uuid"', bad('bad-body'), /JSON object/],
    ['no uuid', {}, bad('bad-uuid'), /no "uuid"/],
    ['a uuid of 31 digits', { uuid: uuid.slice(1) }, bad('bad-uuid'), /32 or 62/],
    ['a uuid of 33 digits', { uuid: `${uuid}0` }, bad('bad-uuid'), /32 or 62/],
    ['a uuid with dashes', { uuid: randomUUID() }, bad('bad-uuid'), /32 or 62/],
    ['a uuid that is a number', { uuid: 7 }, bad('bad-uuid'), /uuid/],
    [
      'the service "undefined"',
      { uuid, balena_service: 'undefined' },
      bad('bad-service'),
      /not set on the device/,
    ],
    [
      'a service that is no text',
      { uuid, balena_service: 7 },
      bad('bad-service'),
      /must be the name of a service/,
    ],
    ['a service of 256 characters', { uuid, balena_service: 'x'.repeat(256) }, bad('bad-service'), /255/],
    ['unknown fields', { uuid, fleet: 1, servcie: 2 }, bad('unknown-field'), /"fleet", "servcie"/],
    ['__proto__', `{"uuid": "${uuid}", "__proto__": {"a": 1}}`, bad('unknown-field'), /"__proto__"/],
    ['constructor', { uuid, constructor: { prototype: {} } }, bad('unknown-field'), /"constructor"/],
    ['more than 16 KiB', { uuid, long }, { status: 413, code: 'provision.request.too-large' }, /16 KiB/],
  ];
  test.each(rows)('%s', async (_, body, expected, detail) => {
    const answer = await post(body);
    expectProblem(answer, expected);
    expect(answer.json.detail).toMatch(detail);
  });

  test('a key that is there twice: the last one counts, and nothing of the first', async () => {
    const twice = `{"uuid": "${'0'.repeat(32)}", "balena_service": "undefined", "uuid": "x", "balena_service": ""}`;
    expectProblem(await post(twice), bad('bad-uuid'));
    const taken = await post(twice.replace('"x"', `"${uuid}"`));
    expect(taken).toMatchObject({ status: 202, json: { uuid } });
    expect((await system.get('0'.repeat(32))).status).toBe(404);
  });

  test('a uuid in the path that is not the one in the body', async () => {
    const other = uuid.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    const expected = bad('uuid-mismatch');
    expectProblem(await post({ uuid }, `/${other}`), expected);
    const options = { key: deprovisionKey, body: { uuid } };
    expectProblem(await call('DELETE', `/api/provision/${other}`, options), expected);
  });

  test('a uuid to provision that is in the path only', async () => {
    expectProblem(await post(undefined, `/${uuid}`), bad('no-body'));
    expectProblem(await post({ balena_service: 'main' }, `/${uuid}`), bad('bad-uuid'));
  });

  test('a state without a uuid, or with a bad one', async () => {
    expectProblem(await call('GET', '/api/provision', { key: provisionKey }), bad('bad-uuid'));
    expectProblem(await system.get('abc'), bad('bad-uuid'));
  });

  test('a DELETE that names no device, or a bad uuid', async () => {
    expectProblem(await call('DELETE', '/api/provision', { key: deprovisionKey }), bad('no-body'));
    expectProblem(await system.del('abc'), bad('bad-uuid'));
  });
});

test.each([32, 62])('a uuid of %d digits is taken in any case, and kept in lower case', async (digits) => {
  const long = `${uuid}${uuid}`.slice(0, digits).replace(/^../, 'ab');
  const { status, json } = await system.post(long.toUpperCase());
  expect({ status, uuid: json.uuid }).toEqual({ status: 202, uuid: long });
  expect((await system.get(long.toUpperCase())).json.uuid).toBe(long);
});

test('the state of a device that was never asked for is 404', async () => {
  expectProblem(await system.get('0'.repeat(32)), { status: 404, code: 'provision.not-requested' });
});

test.each([
  ['in the path', (device: string) => call('DELETE', `/api/provision/${device}`, { key: deprovisionKey })],
  [
    'in the body',
    (device: string) => call('DELETE', '/api/provision', { key: deprovisionKey, body: { uuid: device } }),
  ],
])('DELETE with the uuid %s is accepted, also for a device that nobody knows', async (_, del) => {
  const unknown = randomUUID().replaceAll('-', '');
  const { status, headers, json } = await del(unknown);
  expect(status).toBe(202);
  expect(headers.get('location')).toBe(`/api/provision/${unknown}`);
  expect(json).toMatchObject({ uuid: unknown, operation: 'deprovision' });
  await system.state(unknown, 'deprovisioned');
});

test('DELETE is not sticky: a device that asks again gets new credentials', async () => {
  const device = await system.provisioned();
  const before = await system.credentials(device);
  await system.del(device);
  await system.state(device, 'deprovisioned');
  expect((await system.post(device, 'main')).status).toBe(202);
  await system.state(device, 'provisioned');
  const after = await system.credentials(device);
  expect(after).toMatchObject({ matches: true, accepted: true });
  expect(after.thumbprint).not.toBe(before.thumbprint);
});

test('a device that is provisioned is answered 409, in the words that Cloud Relay looks for', async () => {
  const device = await system.provisioned();
  const text = await untilStatus(409, () => system.post(device, 'main'));
  expect(text.headers.get('content-type')).toMatch(/^text\/plain/);
  expect(text.text).toMatch(/^DeviceAlreadyExistsError/);

  const body = { uuid: device, balena_service: 'main' };
  const headers = { accept: 'application/json' };
  const document = await untilStatus(409, () =>
    call('POST', '/api/provision', { key: provisionKey, body, headers }),
  );
  expectProblem(document, { status: 409, code: 'DeviceAlreadyExistsError' });
});

test('a request without a service means DEFAULT_SERVICE, and one with an empty service the device level', async () => {
  const [byDefault, atDevice] = [await balena.newDevice(), await balena.newDevice()];
  await system.post(byDefault);
  await system.post(atDevice, '');
  await system.state(byDefault, 'provisioned');
  await system.state(atDevice, 'provisioned');
  expect(Object.keys(await balena.variables(byDefault))).toEqual(['main']);
  expect(Object.keys(await balena.variables(atDevice))).toEqual(['']);
});

test('a device of a fleet that is not among FLEETS fails', async () => {
  await balena.tell('POST /fleets', { slug: 'local/other', services: ['main'] });
  const [device] = await balena.tell<{ uuid: string }[]>('POST /devices', { fleet: 'local/other' });
  const other = device?.uuid ?? '';
  await system.post(other, 'main');
  expect((await system.state(other, 'failed')).error?.code).toBe('fleet-not-allowed');
  expectProblem(await system.post(other, 'main'), { status: 422, code: 'fleet-not-allowed' });
  expect(await balena.variables(other)).toEqual({});
});
