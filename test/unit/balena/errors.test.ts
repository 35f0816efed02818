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
  // A gateway may answer although balena has carried out the write.
  [503, '7', { code: 'balena-throttled', retryAfterMs: 7_000, outcomeUnknown: true }],
  [503, undefined, { code: 'balena-unavailable', retryAfterMs: null, outcomeUnknown: true }],
  [502, '7', { code: 'balena-unavailable', retryAfterMs: null, outcomeUnknown: true }],
])('a write that is answered with %i and Retry-After %s', (status, retryAfter, expected) => {
  expect(mapBalenaError(answer(status, retryAfter), true)).toMatchObject(expected);
});
