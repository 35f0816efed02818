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
