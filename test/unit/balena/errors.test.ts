import { mapBalenaError } from '../../../src/balena/errors.js';

test('an expired token is about our key, and nothing was sent', () => {
  const expired = Object.assign(new Error('Token expired: secret'), { code: 'BalenaExpiredToken' });
  const mapped = mapBalenaError(expired, true);
  expect(mapped).toMatchObject({ code: 'balena-unauthorized', outcomeUnknown: false });
  expect(mapped.message).not.toContain('secret');
});

test("the SDK's own timeout is one of ours", () => {
  expect(mapBalenaError(new Error('network timeout'), true)).toMatchObject({
    code: 'timed-out',
    outcomeUnknown: true,
  });
});

const answer = (status: number, retryAfter?: string) => ({
  statusCode: status,
  responseHeaders: new Headers(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
});

test.each([
  [429, '7', { code: 'balena-throttled', retryAfterMs: 7_000, outcomeUnknown: false }],
  [429, undefined, { code: 'balena-throttled', retryAfterMs: 30_000, outcomeUnknown: false }],
  // balena's limiter rounds the rest of the wait to whole seconds.
  [429, '0', { code: 'balena-throttled', retryAfterMs: 1_000, outcomeUnknown: false }],
  [429, 'Tue, 01 Jan 2019 00:00:00 GMT', { code: 'balena-throttled', retryAfterMs: 1_000 }],
  [429, 'soon', { code: 'balena-throttled', retryAfterMs: 30_000, outcomeUnknown: false }],
  [429, '86400', { code: 'balena-throttled', retryAfterMs: 600_000, outcomeUnknown: false }],
  // A gateway may answer although balena has carried out the write.
  [503, '7', { code: 'balena-throttled', retryAfterMs: 7_000, outcomeUnknown: true }],
  [503, undefined, { code: 'balena-unavailable', retryAfterMs: null, outcomeUnknown: true }],
  [502, '7', { code: 'balena-unavailable', retryAfterMs: null, outcomeUnknown: true }],
])('a write that is answered with %i and Retry-After %s', (status, retryAfter, expected) => {
  expect(mapBalenaError(answer(status, retryAfter), true)).toMatchObject(expected);
});

test("a date in Retry-After counts from balena's clock", () => {
  const responseHeaders = new Headers({
    date: 'Tue, 01 Jan 2030 00:00:00 GMT',
    'retry-after': 'Tue, 01 Jan 2030 00:00:09 GMT',
  });
  expect(mapBalenaError({ statusCode: 429, responseHeaders }, false).retryAfterMs).toBe(9_000);
});

const page = (status: number) => ({
  ...answer(status),
  responseHeaders: new Headers({ 'content-type': 'text/html' }),
});

test.each([
  ['a read that is refused is about the key', answer(401), false, 'balena-unauthorized'],
  ['so is a read without the right', answer(403), false, 'balena-unauthorized'],
  ['a write that is refused is about one fleet', answer(401), true, 'balena-write-refused'],
  ['so is a write without the right', answer(403), true, 'balena-write-refused'],
  ['a row that exists is a conflict', answer(409), true, 'balena-conflict'],
  ['a rejected content is final', answer(400), true, 'balena-rejected'],
  ['so is a content that is too large', answer(413), true, 'balena-rejected'],
  ['so is a content that makes no sense', answer(422), true, 'balena-rejected'],
  ['a status that balena never gives comes from a gateway', answer(404), true, 'balena-unavailable'],
  ['so does this one', answer(418), false, 'balena-unavailable'],
  ['a page with 401 says nothing about the key', page(401), false, 'balena-unavailable'],
  ['a page with 403 says nothing about the fleet', page(403), true, 'balena-unavailable'],
  ['a page with 400 is not final', page(400), true, 'balena-unavailable'],
])('%s', (_, error, isWrite, code) => {
  expect(mapBalenaError(error, isWrite).code).toBe(code);
});
