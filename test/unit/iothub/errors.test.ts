import { CredentialUnavailableError } from '@azure/identity';
import { hasChanged, isMissing, mapHubError } from '../../../src/iothub/errors.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { CallTimeout } from '../../../src/shared/network.js';

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

const page = '<html><h1>Welcome</h1></html>';
const words = (code: string) => JSON.stringify({ Message: `ErrorCode:${code};as the hub says` });
const answer = (statusCode: number, responseBody = '') => ({ response: { statusCode }, responseBody });

test.each([
  ['a refused signature', answer(401), 'hub-unauthorized', false],
  ['a 401 with a page', answer(401, page), 'hub-unavailable', false],
  ['a policy without the right', answer(403, words('IotHubUnauthorizedAccess')), 'hub-unauthorized', false],
  ['the daily quota', answer(403, words('IotHubQuotaExceeded')), 'hub-quota-exceeded', false],
  ['a full hub', answer(403, words('TooManyDevices')), 'hub-quota-exceeded', false],
  ['a 403 with a page', answer(403, page), 'hub-unavailable', false],
  ['throttling', answer(429, words('ThrottlingException')), 'hub-throttled', false],
  ['a failure of the hub', answer(500, words('ServerError')), 'hub-unavailable', true],
  ['a failure of a gateway', answer(502, page), 'hub-unavailable', true],
  ['a timeout of a gateway', answer(408), 'hub-unavailable', true],
  ['no answer', new CallTimeout(), 'timed-out', true],
  ['a 404 of a gateway', answer(404, page), 'hub-unavailable', false],
  ['another writer', answer(412, words('PreconditionFailed')), 'hub-conflict', false],
  ['a rejected content', answer(400, words('ArgumentInvalid')), 'hub-rejected', false],
  ['a 400 with a page', answer(400, page), 'hub-unavailable', false],
  ['a hub that is being moved', answer(410, words('Gone')), 'hub-unavailable', false],
])('%s, as the answer to a write', (_, error, code, outcomeUnknown) => {
  expect(mapHubError(error, true)).toMatchObject({ code, outcomeUnknown, dependency: 'hub' });
});

test('a read that gets no answer has changed nothing', () => {
  expect(mapHubError(new CallTimeout(), false)).toMatchObject({ outcomeUnknown: false });
  expect(mapHubError(answer(502, page), false)).toMatchObject({ outcomeUnknown: false });
});

test('only the words of the hub say that there is no identity, or another version', () => {
  expect(isMissing(answer(404, words('DeviceNotFound')))).toBe(true);
  expect(isMissing(answer(404, page))).toBe(false);
  expect(isMissing(answer(404))).toBe(false);
  expect(hasChanged(answer(412, words('PreconditionFailed')))).toBe(true);
  expect(hasChanged(answer(412, page))).toBe(false);
});
