import { type ErrorCode, ProvisioningError } from '../../../src/shared/errors.js';
import { pause, retryWithBackoff } from '../../../src/shared/retry.js';
import { handClock } from '../../support/handClock.js';

const error = (code: ErrorCode, retryAfterMs?: number) =>
  new ProvisioningError(code, '', retryAfterMs === undefined ? {} : { retryAfterMs });

/** A call that fails several times. */
async function failing(times: number, failure: unknown) {
  const clock = handClock(0);
  let calls = 0;
  const call = async () => {
    calls += 1;
    if (calls <= times) throw failure;
    return 'done';
  };
  const result = await retryWithBackoff(clock, call).catch(({ code }) => code);
  return { result, calls, waitedMs: clock.at };
}

test('what passes is waited for, longer each time', async () => {
  expect(await failing(3, error('balena-unavailable'))).toEqual({
    result: 'done',
    calls: 4,
    waitedMs: 7_000,
  });
});

test('a retry waits as long as the answer says', async () => {
  const throttled = error('hub-throttled', 10_000);
  expect(await failing(2, throttled)).toEqual({ result: 'done', calls: 3, waitedMs: 20_000 });
});

test('the sixth failure is final', async () => {
  expect(await failing(9, error('timed-out'))).toEqual({ result: 'timed-out', calls: 6, waitedMs: 31_000 });
});

test.each([error('balena-unauthorized'), error('hub-unauthorized'), error('balena-rejected')])(
  'an error that no retry can fix is thrown at once: $code',
  async (failure) => {
    expect(await failing(1, failure)).toEqual({ result: failure.code, calls: 1, waitedMs: 0 });
  },
);

test('a signal ends the wait', async () => {
  const controller = new AbortController();
  const clock = { now: () => 0, sleep: () => new Promise<void>(() => {}) };
  const waiting = pause(clock, 60_000, controller.signal);
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(retryWithBackoff(clock, async () => 'done', controller.signal)).rejects.toThrow('enough');
});
