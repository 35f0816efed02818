import { gzipSync } from 'node:zlib';
import { BadRequest } from '../../../src/http/errors.js';
import { parseProvision } from '../../../src/http/provision/parse.js';
import { type Given, requestWith } from '../../support/request.js';

const uuid = 'ab'.repeat(16);
const body = (value: unknown) => JSON.stringify(value);
const parse = (given: Given, uuidInPathSuffices = false) =>
  parseProvision(requestWith(given), uuidInPathSuffices);
const refused = async (given: Given, uuidInPathSuffices = false) => {
  const error = await parse(given, uuidInPathSuffices).catch((thrown: unknown) => thrown);
  if (!(error instanceof BadRequest)) throw new Error('it was not refused');
  return error;
};

test.each<[string, Given, { uuid: string; service: string | undefined }]>([
  ['as Cloud Relay does', { body: body({ uuid, balena_service: 'main' }) }, { uuid, service: 'main' }],
  ['at the device level', { body: body({ uuid, balena_service: '' }) }, { uuid, service: '' }],
  ['without a service', { body: body({ uuid }) }, { uuid, service: undefined }],
  [
    'with a service that is null',
    { body: body({ uuid, balena_service: null }) },
    { uuid, service: undefined },
  ],
  [
    'with the field "method" of the old function, which is ignored',
    { body: body({ uuid, balena_service: 'main', method: 'POST' }) },
    { uuid, service: 'main' },
  ],
  ['in upper case', { body: body({ uuid: uuid.toUpperCase() }) }, { uuid, service: undefined }],
  ['by a long uuid', { body: body({ uuid: 'c'.repeat(62) }) }, { uuid: 'c'.repeat(62), service: undefined }],
  [
    'in path and body',
    { body: body({ uuid }), params: { uuid: uuid.toUpperCase() } },
    { uuid, service: undefined },
  ],
  ['with space around it', { body: `\uFEFF \n${body({ uuid })}\n` }, { uuid, service: undefined }],
])('a device can be named %s', async (_, given, expected) => {
  expect(await parse(given)).toEqual(expected);
});

test('the path is enough to undo it, and not to ask for it', async () => {
  const params = { uuid };
  expect(await parse({ params }, true)).toEqual({ uuid, service: undefined });
  expect(await parse({ params, body: '{}' }, true)).toEqual({ uuid, service: undefined });
  expect(await refused({ params })).toMatchObject({ code: 'provision.request.no-body', status: 400 });
  expect(await refused({ params, body: '{}' })).toMatchObject({ code: 'provision.request.bad-uuid' });
});

test.each([7, ['a'], '', 'ab'.repeat(15), 'ab'.repeat(17), 'g'.repeat(32), `${uuid}\n`])(
  'the uuid %j is refused, and the message says how one looks',
  async (given) => {
    expect(await refused({ body: body({ uuid: given }) })).toMatchObject({
      code: 'provision.request.bad-uuid',
      message: '"uuid" must be a full balena device UUID: 32 or 62 hexadecimal digits.',
    });
  },
);

test.each(['a b', 'main\n', '\u001b[2J', 'x'.repeat(256), 'ä', 'a/b', 7, ['a']])(
  'the service %j is no name that balena accepts, and is refused',
  async (given) => {
    expect(await refused({ body: body({ uuid, balena_service: given }) })).toMatchObject({
      code: 'provision.request.bad-service',
      message: expect.stringContaining('letters, digits'),
    });
  },
);

test.each(['Main', 'cloud-relay', 'a_b.c-1', 'x'.repeat(255)])(
  'the service %j is a name',
  async (service) => {
    expect(await parse({ body: body({ uuid, balena_service: service }) })).toEqual({ uuid, service });
  },
);

test('a uuid that is null counts as one that is not there', async () => {
  const given = { body: body({ uuid: null }), params: { uuid } };
  expect(await parse(given, true)).toEqual({ uuid, service: undefined });
  expect(await refused({ body: body({ uuid: null }) })).toMatchObject({
    code: 'provision.request.bad-uuid',
    message: expect.stringContaining('has no "uuid"'),
  });
});

test('a compressed body is refused by that name, before it is read', async () => {
  for (const coding of ['gzip', 'br', 'Deflate'])
    expect(
      await refused({ body: gzipSync(body({ uuid })), headers: { 'content-encoding': coding } }),
    ).toMatchObject({
      code: 'provision.request.compressed',
      status: 415,
      message: expect.stringMatching(/compressed.*Content-Encoding.*uncompressed/),
    });
  const plain = { body: body({ uuid }), headers: { 'content-encoding': 'identity' } };
  expect(await parse(plain)).toEqual({ uuid, service: undefined });
});

test('a body that is not UTF-8 is refused', async () => {
  expect(await refused({ body: new Uint8Array([0x7b, 0xff, 0x7d]) })).toMatchObject({
    code: 'provision.request.bad-body',
    message: expect.stringContaining('UTF-8'),
  });
});

test('a body of 16 KiB is read, and one byte more is refused', async () => {
  const start = `{"uuid": "${uuid}"`;
  const padded = (length: number) => `${start}${' '.repeat(length - start.length - 1)}}`;
  expect(await parse({ body: padded(16_384) })).toEqual({ uuid, service: undefined });
  expect(await refused({ body: padded(16_385) })).toMatchObject({
    code: 'provision.request.too-large',
    status: 413,
  });
});

test('a body that says that it is larger is refused before it is read', async () => {
  const given = { body: body({ uuid }), headers: { 'content-length': '16385' } };
  expect(await refused(given)).toMatchObject({ status: 413 });
});

test('a body that nests without end is refused, or not JSON', async () => {
  expect(await refused({ body: '['.repeat(8_000) })).toMatchObject({ code: 'provision.request.bad-body' });
});

test.each([
  ['a prototype', `{"uuid": "${uuid}", "__proto__": {"balena_service": "main"}}`],
  ['a constructor', `{"uuid": "${uuid}", "constructor": 1}`],
])('%s in the body names no service', async (_, text) => {
  const found = await parse({ body: text }).catch((thrown: unknown) => thrown);
  if (found instanceof BadRequest) expect(found.code).toBe('provision.request.unknown-field');
  else expect(found).toEqual({ uuid, service: undefined });
});

test('no refusal quotes what was sent as a value', async () => {
  const sent = ['{"uuid": "hunter2"}', `{"uuid": "${uuid}", "balena_service": ["hunter2"]}`, 'hunter2'];
  for (const text of sent) expect((await refused({ body: text })).message).not.toContain('hunter2');
});
