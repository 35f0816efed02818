import type { DeviceRecord } from '../../../src/device/record.js';
import { type Attention, attentionOf, type State, stateOf } from '../../../src/device/state.js';
import { summarize, summaryState } from '../../../src/device/summary.js';
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

const outside: DeviceRecord = {
  ...provisioned,
  error: failed.error,
  observed: { ...observed, outside: { since: now, sightings: 2, isHandled: true } },
};

test.each<[string, Attention | null, DeviceRecord]>([
  ['is as it should be', null, provisioned],
  ['is provisioned, and its last check failed', 'check-failed', { ...provisioned, error: failed.error }],
  [
    'is provisioned, and its check is failing',
    'check-failed',
    { ...provisioned, error: failed.error, check: { generation: 1, due: now } },
  ],
  ['failed for good', null, failed],
  ['is tried again', null, { ...queued, error: failed.error }],
  ['has left the served fleets', 'outside', outside],
])('a device that %s needs attention: %s', (_, attention, record) => {
  expect(attentionOf(record)).toBe(attention);
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
  ['that is only being checked', 'provisioned', { ...provisioned, check: { generation: 1, due: now } }],
  ['that a check found wrong, and could not repair', 'failed', { ...provisioned, scopes: ['main', 'relay'] }],
  ['that has left the served fleets', 'outside', outside],
  ['whose request failed outside', 'failed', { ...outside, job: failed.job }],
  ['that is requested again outside', 'queued', { ...outside, error: null, job: queued.job }],
  ['that is gone, as it should be', 'deprovisioned', absent],
  ['that should be gone, and is not', 'failed', { ...absent, scopes: ['main'] }],
])('a device %s is %s', (_, state, record) => {
  expect(stateOf(record, now)).toBe(state);
});

describe('a rotation', () => {
  const held = observed.thumbprint ?? '';
  const rotating: DeviceRecord = {
    ...provisioned,
    desired: { ...desired, retire: [held] },
    job: { generation: 2, due: now },
    lease: { by: 'w', until: now + 1, generation: 2, lateUntil: now + 1 },
  };
  const listed = (record: DeviceRecord) => summaryState(summarize(record), now);

  test('does not take the device out of "provisioned" in lists and counts, also while the work fails', () => {
    expect(stateOf(rotating, now)).toBe('working');
    expect(listed(rotating)).toBe('provisioned');
    expect(listed({ ...rotating, lease: null, error: failed.error })).toBe('provisioned');
  });

  test('of a device whose certificate the hub does not accept is listed as work', () => {
    expect(listed({ ...rotating, observed: { ...observed, hub: 'none' } })).toBe('working');
  });

  test('that failed for good is listed as failed', () => {
    const job = { generation: 2, due: now, dead: { at: now } };
    expect(listed({ ...rotating, lease: null, job, error: failed.error })).toBe('failed');
  });
});
