import {
  type ErrorCode,
  ProvisioningError,
  type ProvisioningErrorOptions,
} from '../../../src/shared/errors.js';
import { isTransient } from '../../../src/shared/retry.js';

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
