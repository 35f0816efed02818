import { goesFirst } from '../../../src/device/state.js';
import { now, provisioned, queued } from '../../support/records.js';

const { observed } = provisioned;
const held = observed.thumbprint ?? '';
const absent = { ...provisioned.desired, present: false, service: null };
const check = { generation: 2, due: now };

test.each([
  ['a deprovisioning', { ...provisioned, desired: absent, job: queued.job }, true],
  ['a check of a deprovisioned device', { ...provisioned, desired: absent, check }, false],
  ['a provisioning', queued, false],
  [
    'the revocation of the certificate that the device holds',
    { ...provisioned, desired: { ...provisioned.desired, revoke: [held] } },
    true,
  ],
  [
    'a rotation without a revocation',
    { ...provisioned, desired: { ...provisioned.desired, retire: [held] } },
    false,
  ],
  [
    'a check of a device with one half of a new pair',
    { ...provisioned, check, observed: { ...observed, thumbprint: null, previous: held } },
    true,
  ],
])('%s: %p', (_, record, first) => {
  expect(goesFirst(record)).toBe(first);
});
