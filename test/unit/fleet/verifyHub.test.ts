import type { DeviceRecord } from '../../../src/device/record.js';
import { renew } from '../../../src/fleet/renew.js';
import { verifyHub } from '../../../src/fleet/verifyHub.js';
import {
  credentialsOf,
  day,
  fleetDependencies,
  now,
  provisionedRecord,
  uuidOf,
} from '../../support/fleetTools.js';

const options = { operationsPerMinute: 100 };
const credentials = await credentialsOf(uuidOf(1));
const seen = (index: number, daysAgo: number, more: Partial<DeviceRecord> = {}) =>
  provisionedRecord(uuidOf(index), credentials, { hubSeenAt: now - daysAgo * day }, more);

test('identities that the hub has not shown for a week are verified, the longest unseen first, in a twentieth of the rate', async () => {
  const { deps, put, requested, record } = fleetDependencies();
  await put(seen(1, 6));
  await put(seen(2, 8));
  await put(seen(3, 20));
  await put(provisionedRecord(uuidOf(4), credentials));
  expect(await verifyHub(deps, options)).toEqual({ due: 3, checked: 3 });
  expect(await requested()).toEqual([4, 3, 2].map((index) => `${uuidOf(index)} check forceVerify`));
  const dues = await Promise.all([4, 3, 2].map(async (index) => (await record(uuidOf(index))).check?.due));
  expect(dues).toEqual([0, 12_000, 24_000].map((ms) => now + ms));
});

test('devices without an identity to expect are left alone', async () => {
  const { deps, put, sent } = fleetDependencies();
  const record = seen(1, 9);
  await put({ ...record, desired: { ...record.desired, present: false, service: null } });
  const outside = { since: now, sightings: 0, isHandled: false };
  await put(provisionedRecord(uuidOf(2), credentials, { outside }));
  await put(provisionedRecord(uuidOf(3), credentials, { thumbprint: null }));
  await put(seen(4, 9, { check: { generation: 9, due: now } }));
  await put(seen(5, 9, { job: { generation: 9, due: now, dead: { at: now } } }));
  expect(await verifyHub(deps, options)).toEqual({ due: 0, checked: 0 });
  expect(sent).toEqual([]);
});

test('no more are scheduled than fit into a day; the rest is left to the next run', async () => {
  const { deps, put } = fleetDependencies();
  for (let index = 0; index < 20; index += 1) await put(seen(index, 9));
  // A twentieth of 0.2 operations a minute: 14 a day.
  expect(await verifyHub(deps, { operationsPerMinute: 0.2 })).toEqual({ due: 20, checked: 14 });
});

test('scheduled verifications do not delay renewals', async () => {
  const { deps, put, record } = fleetDependencies();
  await put(seen(1, 9));
  await verifyHub(deps, options);
  const old = { ...credentials, notBefore: now - 95 * day, notAfter: now + 5 * day };
  await put(provisionedRecord(uuidOf(2), old));
  await renew(deps, { ...options, renewAt: 0.8 });
  expect((await record(uuidOf(2))).check?.due).toBe(now);
});
