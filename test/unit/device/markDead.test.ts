import { markDead, workerDied } from '../../../src/device/transitions.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { now, queued, recordWith } from '../../support/records.js';

const minutes = 60_000;
const notFound = new ProvisioningError('service-not-found', 'No such service.', {
  retry: 'never',
  step: 'validate',
});

test('a change that is given up is dead, says why, and stays what was asked for', () => {
  const record = structuredClone(queued);
  markDead(record, notFound, now);
  expect(record).toMatchObject({
    desired: queued.desired,
    job: { generation: 1, dead: { at: now } },
    error: { code: 'service-not-found', step: 'validate', message: 'No such service.', at: now },
    failures: 1,
  });
});

test.each([
  [0, 10],
  [1, 20],
  [2, 40],
  [5, 320],
  [6, 360],
  [60, 360],
])('after %i failures it is not taken up again for %i minutes', (failures, expected) => {
  const record = { ...structuredClone(queued), failures };
  markDead(record, notFound, now);
  expect(record.coolDownUntil - now).toBe(expected * minutes);
});

test('a check that is given up just ends, and leaves no attempts to whatever comes next', () => {
  const record = recordWith({ job: { generation: 1, kind: 'check', due: now }, attempts: 10, retries: 12 });
  markDead(record, workerDied(), now);
  expect(record).toMatchObject({
    job: null,
    attempts: 0,
    retries: 0,
    failures: 0,
    error: { code: 'worker-died', step: null },
  });
});
