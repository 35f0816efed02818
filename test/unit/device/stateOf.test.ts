import type { DeviceRecord } from '../../../src/device/record.js';
import { type State, stateOf } from '../../../src/device/state.js';
import { failed, now, provisioned, queued, recordWith } from '../../support/records.js';

const working: DeviceRecord = {
  ...queued,
  lease: { by: 'w', until: now + 1, generation: 0, lateUntil: now + 1 },
};
const { desired, observed } = provisioned;
const absent = recordWith({
  desired: { ...desired, present: false, service: null },
  observed: { ...observed, thumbprint: null, service: null, hub: 'none' },
});

test.each<[string, State, DeviceRecord]>([
  ['whose message waits', 'queued', queued],
  ['that a worker holds', 'working', working],
  [
    'whose worker has gone silent',
    'queued',
    { ...working, lease: { by: 'w', until: now, generation: 0, lateUntil: now } },
  ],
  [
    'whose lease was left to run out',
    'queued',
    { ...working, lease: { by: 'w', until: now + 1, generation: 0, lateUntil: now + 1, unresolved: true } },
  ],
  ['that comes again after a failure', 'retrying', { ...queued, retries: 1, error: failed.error }],
  ['that a worker holds again after a failure', 'working', { ...working, retries: 1, error: failed.error }],
  ['that was given up', 'failed', failed],
  ['that is as it should be', 'provisioned', provisioned],
  [
    'that is only being checked',
    'provisioned',
    { ...provisioned, job: { generation: 1, kind: 'check', due: now } },
  ],
  ['that a check found wrong, and could not repair', 'failed', { ...provisioned, scopes: ['main', 'relay'] }],
  ['that is gone, as it should be', 'deprovisioned', absent],
  ['that should be gone, and is not', 'failed', { ...absent, scopes: ['main'] }],
])('a device %s is %s', (_, state, record) => {
  expect(stateOf(record, now)).toBe(state);
});
