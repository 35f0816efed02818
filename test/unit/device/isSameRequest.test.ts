import type { Desired } from '../../../src/device/record.js';
import type { DeviceRequest } from '../../../src/device/request.js';
import { isSameRequest } from '../../../src/device/request.js';
import { recordWith, uuid } from '../../support/records.js';

const present: Desired = { present: true, service: 'main', requestId: 'r', requestedAt: 0 };
const absent: Desired = { ...present, present: false, service: null };
const ask: DeviceRequest = { uuid, present: true, service: 'main' };

test.each<[string, boolean, DeviceRequest, Desired]>([
  ['the same service', true, ask, present],
  ['another service', false, { ...ask, service: 'relay' }, present],
  ['presence instead of absence', false, ask, absent],
  ['absence instead of presence', false, { uuid, present: false }, present],
  ['absence again', true, { uuid, present: false }, absent],
  ['a first rotation', false, { ...ask, retire: 'A' }, present],
  ['the same rotation', true, { ...ask, retire: 'A' }, { ...present, retire: ['A'] }],
  ['the rotation of another certificate', false, { ...ask, retire: 'B' }, { ...present, retire: ['A'] }],
  [
    'that what is retired be revoked too',
    false,
    { ...ask, retire: 'A', revoke: true },
    { ...present, retire: ['A'] },
  ],
  [
    'a rotation without the revocation asked before',
    true,
    { ...ask, retire: 'A' },
    { ...present, retire: ['A'], revoke: ['A'] },
  ],
  ['the same, while a rotation is under way', true, ask, { ...present, retire: ['A'], revoke: ['A'] }],
])('to ask for %s is the same: %s', (_, same, requested, desired) => {
  expect(isSameRequest(requested, recordWith({ desired }))).toBe(same);
});
