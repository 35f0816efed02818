import { BadRequest } from '../../../../src/http/errors.js';
import { parseEvent } from '../../../../src/http/webhook/parse.js';

const uuid = 'ab'.repeat(16);
const long = 'CD'.repeat(31);
const parse = (body: unknown) => parseEvent(typeof body === 'string' ? body : JSON.stringify(body));

describe('a request, as the provision API takes it', () => {
  test.each([
    [{ uuid }, { uuid, service: undefined }],
    [
      { uuid, balena_service: '' },
      { uuid, service: '' },
    ],
    [
      { uuid: long, balena_service: 'main' },
      { uuid: long.toLowerCase(), service: 'main' },
    ],
    [
      { uuid, balena_service: null },
      { uuid, service: undefined },
    ],
    [
      { uuid, type: null, balena_service: 'main' },
      { uuid, service: 'main' },
    ],
    [
      { uuid, method: 'POST' },
      { uuid, service: undefined },
    ],
  ])('%j', (body, expected) => {
    expect(parse(body)).toEqual({ kind: 'provision', ...expected });
  });
});

describe('an event', () => {
  test.each([
    ['at data.uuid', { data: { uuid } }],
    ['at data.device.uuid', { data: { device: { uuid } } }],
    ['at device.uuid', { device: { uuid } }],
    ['in upper case', { data: { uuid: uuid.toUpperCase() } }],
    ['at data.uuid before others', { data: { uuid, device: { uuid: long } }, device: { uuid: long } }],
    ['beside a null', { data: { uuid: null, device: null }, device: { uuid } }],
    ['beside data that is null', { data: null, device: { uuid } }],
    ['among fields that we do not know', { data: { uuid, name: 'x' }, timestamp: 1 }],
  ])('names its device %s', (_, more) => {
    expect(parse({ type: 'created', ...more })).toEqual({ kind: 'created', uuid });
  });

  test.each(['online', 'updated', 'deleted', 'device.deleted', 'Device.Online'])('%s is a check', (type) => {
    const what = type.toLowerCase().replace('device.', '');
    expect(parse({ type, data: { uuid } })).toEqual({ kind: 'check', uuid, type: what });
  });

  test('of another type is ignored, whatever it names', () => {
    expect(parse({ type: 'renamed', data: { uuid } })).toEqual({ kind: 'ignored', type: 'renamed' });
    expect(parse({ type: 'constructor' })).toEqual({ kind: 'ignored', type: 'constructor' });
  });
});

test('a byte order mark and space around the body are accepted', () => {
  expect(parse(`\ufeff\n{"uuid": "${uuid}"}\n`)).toMatchObject({ kind: 'provision', uuid });
});

test.each([
  ['nothing', '', /no body/],
  ['what is not JSON', '{"uuid": ', /not JSON/],
  ['null', 'null', /must be a JSON object/],
  ['an array', `[{"uuid": "${uuid}"}]`, /must be a JSON object/],
  ['a text', `"${uuid}"`, /must be a JSON object/],
  ['neither uuid nor type', {}, /"uuid"/],
  ['a uuid of 31 digits', { uuid: uuid.slice(1) }, /"uuid"/],
  ['a service that is no text', { uuid, balena_service: 7 }, /"balena_service"/],
  ['the service "undefined"', { uuid, balena_service: 'undefined' }, /"balena_service"/],
  ['unknown fields in a request', { uuid, servcie: 'main', fleet: 1 }, /"servcie, fleet"/],
  ['__proto__ in a request', `{"uuid": "${uuid}", "__proto__": {"balena_service": "x"}}`, /"__proto__"/],
  ['constructor in a request', `{"uuid": "${uuid}", "constructor": {}}`, /"constructor"/],
  ['a type that is no text', { type: 7, data: { uuid } }, /"type"/],
  ['an empty type', { type: '', data: { uuid } }, /"type"/],
  ['an event without a device', { type: 'created' }, /names no device/],
  [
    'an event whose device is null',
    { type: 'created', data: { uuid: null }, device: null },
    /names no device/,
  ],
  ['a request whose uuid is null', { uuid: null }, /"uuid"/],
  ['an event with a bad uuid', { type: 'deleted', data: { uuid: 'x' } }, /"data\.uuid"/],
  ['an event whose data is no object', { type: 'created', data: [uuid] }, /"data"/],
  [
    'an event whose device stands in its prototype',
    `{"type": "created", "data": {"__proto__": {"uuid": "${uuid}"}}}`,
    /names no device/,
  ],
])('%s is refused, saying what to send', (_, body, why) => {
  expect(() => parse(body)).toThrow(BadRequest);
  expect(() => parse(body)).toThrow(why);
});

test('of a key that is there twice the last one counts, and nothing leaks into prototypes', () => {
  const twice = `{"uuid": "${'0'.repeat(32)}", "uuid": "${uuid}"}`;
  expect(parse(twice)).toMatchObject({ uuid });
  parse(`{"type": "other", "__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}`);
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});
