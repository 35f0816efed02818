import type { DeviceRecord } from '../../../src/device/record.js';
import { hubAccepts, isInDesiredState } from '../../../src/device/state.js';
import { provisioned, recordWith, thumbprint } from '../../support/records.js';

const other = 'B'.repeat(64);
const { desired, observed } = provisioned;
const absent: DeviceRecord = recordWith({
  desired: { ...desired, present: false, service: null },
  observed: { ...observed, thumbprint: null, service: null, hub: 'none' },
  scopes: [],
});

test.each<[string, DeviceRecord]>([
  ['its certificate is stored where it is wanted, and the hub accepts it', provisioned],
  [
    'the hub accepts it in its second slot',
    { ...provisioned, observed: { ...observed, hub: [other, thumbprint] } },
  ],
  [
    'what is to be retired is not in use, though the hub still accepts it',
    {
      ...provisioned,
      desired: { ...desired, retire: [other] },
      observed: { ...observed, hub: [thumbprint, other] },
    },
  ],
  ['it is to be absent, and nothing is left', absent],
])('a device fits if %s', (_, record) => {
  expect(isInDesiredState(record)).toBe(true);
});

test.each<[string, DeviceRecord]>([
  ['nothing is stored', { ...provisioned, observed: { ...observed, thumbprint: null } }],
  ['it is stored at another service', { ...provisioned, desired: { ...desired, service: 'relay' } }],
  [
    'the hub is known to hold something else',
    { ...provisioned, observed: { ...observed, hub: [other, other] } },
  ],
  ['what the hub holds is not known', { ...provisioned, observed: { ...observed, hub: 'unknown' } }],
  ['the hub has an identity of another kind', { ...provisioned, observed: { ...observed, hub: 'exists' } }],
  ['something may be left elsewhere', { ...provisioned, scopes: ['main', 'relay'] }],
  ['its certificate is to be retired', { ...provisioned, desired: { ...desired, retire: [thumbprint] } }],
  [
    'the hub still accepts what is revoked',
    {
      ...provisioned,
      desired: { ...desired, retire: [other], revoke: [other] },
      observed: { ...observed, hub: [thumbprint, other] },
    },
  ],
  ['its request was given up', { ...provisioned, job: { generation: 1, due: 0, dead: { at: 0 } } }],
  [
    'it is to be absent, and has an identity',
    { ...absent, observed: { ...absent.observed, hub: 'unknown' } },
  ],
  ['it is to be absent, and variables may be left', { ...absent, scopes: ['main'] }],
])('a device does not fit if %s', (_, record) => {
  expect(isInDesiredState(record)).toBe(false);
});

test('only two known thumbprints accept anything', () => {
  expect(hubAccepts('unknown', thumbprint)).toBe(false);
  expect(hubAccepts('none', thumbprint)).toBe(false);
  expect(hubAccepts('exists', thumbprint)).toBe(false);
  expect(hubAccepts([other, thumbprint], thumbprint)).toBe(true);
});
