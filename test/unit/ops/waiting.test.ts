import type { DeviceRecord } from '../../../src/device/record.js';
import { waitingOf } from '../../../src/ops/devices/waiting.js';
import { failed, now, provisioned, queued, recordWith } from '../../support/records.js';

const due = now + 60_000;
const pending = recordWith({ job: { generation: 1, due } });
const lease = { by: 'w', until: now + 20_000, lateUntil: now + 80_000, generation: 1 };
const why = (record: DeviceRecord) => waitingOf(record, due + 5_000, now);
const iso = (at: number) => new Date(at).toISOString();

test('a device without pending work waits for nothing', () => {
  expect(why(provisioned)).toBeNull();
  expect(why(failed)).toBeNull();
});

test.each<[string, DeviceRecord, RegExp, number | null]>([
  ['a worker is at work', { ...pending, lease }, /A worker is at work/, null],
  [
    'the last answer is missing',
    { ...pending, lease: { ...lease, unresolved: true } },
    /the last write may still take effect/,
    now + 80_000,
  ],
  [
    'a write of a dead worker may take effect',
    { ...pending, late: { until: now + 90_000, scopes: [] } },
    /the last write may still take effect/,
    now + 90_000,
  ],
  ['the worker stopped', { ...pending, lease: { ...lease, interrupted: true } }, /The worker stopped/, due],
  [
    'the turn at the hub',
    recordWith({ job: { generation: 1, due, reservation: { lane: 'a', turn: 1 } } }),
    /waits for its turn at the hub/,
    due + 5_000,
  ],
  [
    'a look-up',
    recordWith({ job: { generation: 1, due, lookUp: { lane: 'a', turn: 1 } } }),
    /waits for its look-up in balena/,
    due,
  ],
  [
    'an open circuit',
    {
      ...pending,
      history: [{ at: now, type: 'waited', note: 'waits until balena and the hub work again' }],
    },
    /until balena and the hub work again/,
    due,
  ],
  ['a retry', { ...pending, error: failed.error }, /The last attempt failed \(device-not-found\)/, due],
  ['an unsent message', recordWith({ job: { generation: 1, due, unsent: true } }), /could not be sent/, null],
  [
    'overdue work',
    recordWith({ job: { generation: 1, due: now - 120_000 } }),
    /no worker has taken its message/,
    now - 120_000,
  ],
  ['a later time', pending, /requested for a later time/, due],
  ['the next worker', queued, /within moments/, now],
])('%s', (_, record, reason, next) => {
  expect(why(record)).toEqual({
    reason: expect.stringMatching(reason),
    nextLook: next === null ? null : iso(next),
    isCheck: false,
  });
});

test('a check is named', () => {
  expect(why({ ...provisioned, check: { generation: 2, due } })).toMatchObject({ isCheck: true });
});
