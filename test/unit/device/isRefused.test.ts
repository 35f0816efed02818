import type { DeviceRecord } from '../../../src/device/record.js';
import { isRefused, requestPartOf } from '../../../src/device/refusal.js';
import { provisioned, recordWith } from '../../support/records.js';

const job = { generation: 2 as const, due: 0 };
const desired = { ...provisioned.desired, service: 'relay' };
const before = { ...requestPartOf(provisioned), desired: { ...provisioned.desired, validated: true } };
const move = recordWith({ ...provisioned, desired, job, fallback: before });
const unvalidated = { ...move, fallback: requestPartOf(provisioned) };
const validated = { ...move, desired: { ...desired, validated: true } };
const notFound = { code: 'service-not-found', step: 'validate' } as const;

test.each<[string, DeviceRecord, Parameters<typeof isRefused>[1], boolean]>([
  ['a move that was never valid', move, notFound, true],
  [
    'a move that failed otherwise before it was validated',
    move,
    { code: 'worker-died', step: undefined },
    true,
  ],
  ['a mistake after a request that waits for its validation', unvalidated, notFound, true],
  [
    'another failure after a request that waits for its validation',
    unvalidated,
    { code: 'worker-died', step: undefined },
    false,
  ],
  ['a move whose service was removed on the way', validated, notFound, true],
  [
    'a validated move that failed at another step',
    validated,
    { code: 'hub-rejected', step: 'register' },
    false,
  ],
  ['a move of a device that is gone', move, { code: 'device-not-found', step: 'validate' }, false],
  ['a request without a fallback', { ...move, fallback: null }, notFound, false],
  ['a check of a dead job', { ...move, job: { ...job, dead: { at: 1 } } }, notFound, false],
])('%s', (_, record, error, expected) => {
  expect(isRefused(record, error)).toBe(expected);
});
