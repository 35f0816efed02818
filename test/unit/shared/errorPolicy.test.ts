import { countsAsAttempt } from '../../../src/provisioning/finish.js';
import {
  adviceFor,
  type ErrorCode,
  type ErrorPolicy,
  errorCodes,
  errorPolicies,
  policyOf,
} from '../../../src/shared/errorPolicy.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import type { Circuits } from '../../../src/throttling/circuitBreaker.js';

/** What each code must mean, apart from its texts. A changed row of the policy needs a changed row here. */
const expected: Record<
  ErrorCode,
  [fault: string, isFinal: boolean, counts: boolean, opens: string, retried: string, firstSeconds: number]
> = {
  'device-not-found': ['device', true, false, 'never', 'never', 5],
  'device-not-visible': ['fleet', false, true, 'never', 'never', 5],
  'service-not-found': ['fleet', true, false, 'never', 'never', 5],
  'fleet-not-allowed': ['fleet', true, false, 'never', 'never', 5],
  'balena-rejected': ['device', true, false, 'never', 'never', 5],
  'hub-rejected': ['device', true, false, 'never', 'never', 5],
  'hub-device-disabled': ['device', true, false, 'never', 'never', 5],
  'certificate-revoked': ['device', true, false, 'never', 'never', 5],
  'balena-conflict': ['device', false, true, 'never', 'never', 5],
  'balena-write-refused': ['fleet', false, true, 'never', 'never', 30],
  'hub-conflict': ['device', false, true, 'never', 'never', 5],
  'balena-throttled': ['dependency', false, false, 'never', 'if-wait-is-short', 5],
  'hub-throttled': ['dependency', false, false, 'never', 'never', 5],
  'balena-unavailable': ['dependency', false, true, 'if-others-fail', 'unless-outcome-unknown', 5],
  'hub-unavailable': ['dependency', false, true, 'if-others-fail', 'unless-outcome-unknown', 5],
  'timed-out': ['dependency', false, true, 'if-others-fail', 'once', 5],
  'balena-unauthorized': ['key', false, false, 'at-once', 'never', 60],
  'hub-unauthorized': ['key', false, false, 'at-once', 'never', 60],
  'hub-quota-exceeded': ['quota', false, false, 'at-once', 'never', 60],
  'ca-unavailable': ['dependency', false, false, 'never', 'never', 5],
  'ca-throttled': ['dependency', false, false, 'never', 'never', 5],
  'ca-unauthorized': ['key', false, false, 'never', 'never', 60],
  'ca-unusable': ['product', false, false, 'never', 'never', 60],
  'records-unavailable': ['storage', false, false, 'never', 'always', 5],
  'record-too-large': ['device', true, false, 'never', 'never', 5],
  'queue-unavailable': ['storage', false, false, 'never', 'never', 5],
  'queue-throttled': ['storage', false, false, 'never', 'never', 5],
  unexpected: ['product', false, true, 'never', 'never', 5],
  'worker-died': ['product', false, false, 'never', 'never', 5],
  cancelled: ['operator', false, false, 'never', 'never', 5],
};

test.each(Object.entries(expected))('%s means what every part of the product takes it for', (code, row) => {
  const {
    fault,
    isFinal,
    countsAsAttempt: counts,
    opensCircuit,
    retriedInRun,
    firstBackOffMs,
  } = policyOf(code as ErrorCode);
  expect([
    fault,
    isFinal,
    counts === 'while-circuits-are-closed',
    opensCircuit,
    retriedInRun,
    firstBackOffMs / 1_000,
  ]).toEqual(row);
});

test('a request for what balena does not have yet gets quick tries', () => {
  const codesWith = (wanted: (policy: ErrorPolicy) => boolean) =>
    errorCodes.filter((code) => wanted(policyOf(code)));
  expect(codesWith(({ quickTries }) => quickTries === 4)).toEqual(['device-not-found', 'service-not-found']);
  expect(codesWith(({ quickTries }) => quickTries !== 0)).toHaveLength(2);
});

test('every code has a row, and every row says what it means and what the operator does', () => {
  expect(Object.keys(expected).sort()).toEqual([...errorCodes].sort());
  for (const { meaning, advice } of Object.values(errorPolicies)) {
    expect(meaning).toMatch(/^[A-Zb].{10,}\.$/);
    expect(advice).toMatch(/^[A-Z`].{10,}\.$/);
  }
});

test('a code that no version of this product has written gets advice, too', () => {
  expect(adviceFor('MaxDeliveryCountExceeded')).toContain('cannot read the dead letter');
  expect(adviceFor('toString')).toContain('cannot read the dead letter');
  expect(adviceFor('hub-throttled')).toBe(errorPolicies['hub-throttled'].advice);
});

test('an advice without a known fleet names the device, or the fleets that exist', () => {
  const uuid = 'ab'.repeat(16);
  expect(adviceFor('device-not-found', { uuid, fleet: 'my_org/one' })).toContain('--fleet my_org/one');
  const ofDevice = adviceFor('device-not-found', { uuid, fleet: null });
  expect(ofDevice).toContain(`discard --code device-not-found --uuid ${uuid} --reason deleted`);
  expect(ofDevice).not.toContain('<slug>');
  // A sweep has fleets only.
  expect(adviceFor('device-not-visible', { uuid })).toMatch(
    /sweep --fleet <slug> .*such as my_org\/my_fleet\.$/,
  );
  const fleets = ['c/7', 'c/6', 'c/5', 'c/4', 'c/3', 'c/2', 'c/1', 'c/1'];
  expect(adviceFor('service-not-found', { fleets })).toMatch(
    /Fleets with records: c\/1, c\/2, c\/3, c\/4, c\/5, and 2 more\.$/,
  );
});

const circuits = (state: 'open' | 'closed' | 'unknown') => {
  const read = async () => {
    if (state === 'unknown') throw new ProvisioningError('records-unavailable', 'Away.');
    return { state };
  };
  return {
    circuits: { balena: { read }, hub: { read: async () => ({ state: 'closed' }) } } as unknown as Circuits,
  };
};

test.each([
  ['closed', 'timed-out', true],
  ['open', 'timed-out', false],
  ['unknown', 'timed-out', false],
  ['closed', 'hub-conflict', true],
  // The open circuit is that of balena.
  ['open', 'hub-conflict', true],
  ['open', 'balena-write-refused', false],
  ['closed', 'balena-unavailable', true],
  ['open', 'balena-unavailable', false],
  ['closed', 'balena-write-refused', true],
  ['closed', 'hub-throttled', false],
  ['closed', 'balena-unauthorized', false],
] as const)('with a circuit that is %s, %s counts as an attempt: %s', async (state, code, counted) => {
  expect(await countsAsAttempt(circuits(state), new ProvisioningError(code, ''))).toBe(counted);
});
