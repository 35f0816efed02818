import { RestError } from '@azure/data-tables';
import { unreachable } from '../../../src/storage/unreachable.js';

test.each([
  [
    403,
    'AuthenticationFailed',
    /^The tables reject our credentials \(HTTP 403 AuthenticationFailed\): check RECORDS_/,
  ],
  [403, undefined, /^The tables reject our credentials \(HTTP 403\)/],
  [401, 'NoAuthenticationInformation', /credentials \(HTTP 401 NoAuthenticationInformation\)/],
  [
    200,
    undefined,
    /^Something else than Azure Tables answers \(HTTP 200\): check RECORDS_CONNECTION, and proxies/,
  ],
  [407, undefined, /^Something else than Azure Tables answers \(HTTP 407\)/],
  [404, 'TableNotFound', /^The records cannot be reached \(HTTP 404 TableNotFound\)\.$/],
  [503, undefined, /^The records cannot be reached \(HTTP 503\)\.$/],
])('HTTP %s %s', (statusCode, code, message) => {
  expect(unreachable(new RestError('secret', { statusCode }), code)).toMatch(message);
});

test('a fault of the connection has the name of the fault, and never the message of the error', () => {
  expect(unreachable(new RestError('secret', { code: 'ECONNREFUSED' }), undefined)).toBe(
    'The records cannot be reached (ECONNREFUSED).',
  );
  expect(unreachable(new TypeError('secret'), undefined)).toBe('The records cannot be reached (TypeError).');
  expect(unreachable('secret', undefined)).toBe('The records cannot be reached (unknown).');
});
