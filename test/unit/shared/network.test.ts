import { CallTimeout, neverSent, parseRetryAfter, withDeadline } from '../../../src/shared/network.js';

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

describe('withDeadline', () => {
  test('returns the result of the call and leaves the signal alone', async () => {
    let given: AbortSignal | undefined;
    const result = await withDeadline(60_000, async (signal) => {
      given = signal;
      return 'done';
    });
    expect(result).toBe('done');
    expect(given?.aborted).toBe(false);
  });

  test('passes on the error of the call', async () => {
    const failed = new Error('failed');
    await expect(withDeadline(60_000, () => Promise.reject(failed))).rejects.toBe(failed);
  });

  test('ends a call that ignores the signal', async () => {
    await expect(withDeadline(1, () => new Promise<void>(() => {}))).rejects.toThrow(CallTimeout);
  });

  test("throws CallTimeout instead of the call's own abort error", async () => {
    let reason: unknown;
    const call = (signal: AbortSignal) =>
      new Promise<void>((_, reject) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          reject(new Error('aborted'));
        });
      });
    await expect(withDeadline(1, call)).rejects.toThrow(CallTimeout);
    expect(reason).toBeInstanceOf(CallTimeout);
  });
});

test.each([
  ['7', 7_000],
  [' 7 ', 7_000],
  ['Tue, 01 Jan 2030 00:01:30 GMT', 90_000],
  ['Tuesday, 01-Jan-30 00:01:30 GMT', 90_000],
  ['Tue, 01 Jan 2030 02:00:00 GMT', 600_000],
  ['86400', 600_000],
  ['Mon, 31 Dec 2029 23:59:00 GMT', null],
  ['0', null],
  ['-5', null],
  ['soon', null],
  ['soon GMT', null],
  ['', null],
  [null, null],
  [undefined, null],
])('Retry-After %j is a wait of %j ms', (header, ms) => {
  expect(parseRetryAfter(header, Date.parse('2030-01-01T00:00:00Z'))).toBe(ms);
});
