import { neverSent } from '../../../src/shared/network.js';

const coded = (code: string, cause?: unknown) => Object.assign(new Error('x', { cause }), { code });

test.each(['ECONNREFUSED', 'ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT', 'CERT_HAS_EXPIRED'])(
  'with %s nothing was sent, however deep it lies',
  (code) => {
    expect(neverSent(coded(code))).toBe(true);
    expect(neverSent(new TypeError('fetch failed', { cause: coded(code) }))).toBe(true);
  },
);

test.each(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET'])('with %s it may have been', (code) => {
  expect(neverSent(coded(code))).toBe(false);
  expect(neverSent(new Error('x'))).toBe(false);
});
