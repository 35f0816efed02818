import { ReservationNotDue } from '../../../src/provisioning/run.js';
import {
  type ErrorCode,
  ProvisioningError,
  type ProvisioningErrorOptions,
} from '../../../src/shared/errors.js';
import { isTransient, retryTransient } from '../../../src/shared/retry.js';

const error = (code: ErrorCode, options: Partial<ProvisioningErrorOptions> = {}) =>
  new ProvisioningError(code, '', { ...options });

test.each<[string, boolean, ProvisioningError]>([
  ['a hub that was not reached', true, error('hub-unavailable')],
  ['a balena that was not reached', true, error('balena-unavailable')],
  ['a write whose outcome is unknown', false, error('hub-unavailable', { outcomeUnknown: true })],
  ['a call that timed out', false, error('timed-out')],
  ['a short wait that balena asks for', true, error('balena-throttled', { retryAfterMs: 5_000 })],
  ['a long wait that balena asks for', false, error('balena-throttled', { retryAfterMs: 6_000 })],
  ['a hub that throttles: the pace waits for it', false, error('hub-throttled', { retryAfterMs: 1_000 })],
  [
    'a record that could not be reached, since an amendment reads first',
    true,
    error('records-unavailable', { outcomeUnknown: true }),
  ],
  ['credentials that are refused', false, error('balena-unauthorized')],
  ['what is final', false, error('service-not-found')],
])('%s is worth another try soon: %s', (_, worth, failure) => {
  expect(isTransient(failure)).toBe(worth);
});

test.each([new ReservationNotDue({ lane: '', turn: 5 }, 0), new Error('foreign'), new TypeError('a defect')])(
  'an error of another class is not repeated, and arrives as it is: %p',
  async (failure) => {
    let calls = 0;
    const call = async () => {
      calls += 1;
      throw failure;
    };
    await expect(retryTransient(call)).rejects.toBe(failure);
    expect(calls).toBe(1);
  },
);

test('a transient failure is repeated within the run, and a final one is not', async () => {
  const calls = { transient: 0, final: 0 };
  const answer = await retryTransient(async () => {
    calls.transient += 1;
    if (calls.transient < 3) throw error('hub-unavailable');
    return 'done';
  });
  expect(answer).toBe('done');
  const final = error('service-not-found');
  await expect(
    retryTransient(async () => {
      calls.final += 1;
      throw final;
    }),
  ).rejects.toBe(final);
  expect(calls).toEqual({ transient: 3, final: 1 });
});
