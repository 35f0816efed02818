import { stepsOf } from '../../../src/provisioning/finish.js';
import { ProvisioningError } from '../../../src/shared/errors.js';

const steps = [
  { step: 'validate' as const, ms: 12, code: null },
  { step: 'mint' as const, ms: 3, code: null },
];

test('a step that failed by what it found shows why, though its calls went well', () => {
  const error = new ProvisioningError('service-not-found', 'There is none.', {
    step: 'validate',
  });
  expect(stepsOf({ steps }, { kind: 'failed', error })).toEqual([
    { step: 'validate', ms: 12, code: 'service-not-found' },
    { step: 'mint', ms: 3, code: null },
  ]);
});

test('what went well stays so', () => {
  expect(stepsOf({ steps }, { kind: 'succeeded' })).toEqual(steps);
  const unexpected = new ProvisioningError('unexpected', 'What?');
  expect(stepsOf({ steps }, { kind: 'failed', error: unexpected })).toEqual(steps);
});
