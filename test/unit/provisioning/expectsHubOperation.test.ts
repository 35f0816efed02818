import type { DeviceRecord } from '../../../src/device/record.js';
import { expectsHubOperation } from '../../../src/provisioning/reserve.js';
import { now, provisioned, queued, thumbprint } from '../../support/records.js';

const { desired, observed } = provisioned;
const other = 'B'.repeat(64);
const revoked = { ...desired, retire: [other], revoke: [other] };

const own = { key: thumbprint, thumbprint, before: null, notBefore: 0, notAfter: 1, keyAlgorithm: 'ec-p256' };
const withOwnKey: DeviceRecord = {
  ...provisioned,
  desired: { ...desired, service: null, own },
  observed: { ...observed, service: null },
  scopes: [],
};
const beside = (until: number): DeviceRecord => ({
  ...withOwnKey,
  observed: { ...withOwnKey.observed, hub: [thumbprint, other], issued: { thumbprint: other, until } },
});

test.each<[string, boolean, DeviceRecord]>([
  ['an own key that the hub accepts, also past the renewal', false, withOwnKey],
  [
    'another own certificate',
    true,
    { ...withOwnKey, desired: { ...desired, service: null, own: { ...own, thumbprint: other } } },
  ],
  ['an issued certificate that stays', false, beside(now + 1)],
  ['an issued certificate whose time has passed', true, beside(now)],
  ['a fresh device', true, queued],
  ['a device that the hub is known to accept', false, provisioned],
  ['a move to another service', false, { ...provisioned, desired: { ...desired, service: 'relay' } }],
  ['a device to remove', true, { ...provisioned, desired: { ...desired, present: false, service: null } }],
  [
    'a device to remove, whose identity an earlier run has removed',
    false,
    {
      ...provisioned,
      desired: { ...desired, present: false, service: null },
      observed: { ...observed, hub: 'none' },
      retries: 1,
    },
  ],
  [
    'a device with a refused write',
    false,
    { ...queued, observed: { ...queued.observed, writeRefused: true } },
  ],
  ['an audit', true, { ...provisioned, check: { generation: 1, due: now, forceVerify: true } }],
  ['a hub of which nothing is known', true, { ...provisioned, observed: { ...observed, hub: 'unknown' } }],
  [
    'a device that the same hub is known to accept',
    false,
    { ...provisioned, observed: { ...observed, hubHost: 'our-hub' } },
  ],
  [
    'a device that another hub is known to accept',
    true,
    { ...provisioned, observed: { ...observed, hubHost: 'another-hub' } },
  ],
  ['a rotation', true, { ...provisioned, desired: { ...desired, retire: [thumbprint] } }],
  [
    'a revoked certificate that the hub accepts',
    true,
    { ...provisioned, desired: revoked, observed: { ...observed, hub: [thumbprint, other] } },
  ],
  [
    'a revoked certificate that the hub does not accept any more',
    false,
    { ...provisioned, desired: revoked },
  ],
  [
    'a certificate that is due for renewal',
    true,
    { ...provisioned, observed: { ...observed, notAfter: now + 1 } },
  ],
])('%s needs the registry: %s', (_, expected, record) => {
  expect(expectsHubOperation(record, now, { renewAt: 0.8, hubHost: 'our-hub' })).toBe(expected);
});
