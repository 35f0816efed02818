import { CredentialUnavailableError } from '@azure/identity';
import { mapHubError } from '../../../src/iothub/errors.js';
import { ProvisioningError } from '../../../src/shared/errors.js';

test('without a token of the managed identity the hub has received no request', () => {
  expect(mapHubError(new CredentialUnavailableError('no identity here'), true)).toMatchObject({
    code: 'hub-unauthorized',
    outcomeUnknown: false,
  });
});

test('an error of ours stays as it is', () => {
  const ours = new ProvisioningError('unexpected', 'ours');
  expect(mapHubError(ours, true)).toBe(ours);
});
