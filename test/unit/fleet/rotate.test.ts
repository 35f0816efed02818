import type { Records } from '../../../src/device/repository.js';
import { summarize } from '../../../src/device/summary.js';
import { requested } from '../../../src/device/transitions.js';
import { rotate, thumbprintToRotate } from '../../../src/fleet/rotate.js';
import {
  credentialsOf,
  day,
  fleet,
  fleetDependencies,
  now,
  provisionedRecord,
  uuidOf,
} from '../../support/fleetTools.js';

const uuid = uuidOf(1);
const credentials = await credentialsOf(uuid);
const { thumbprint } = credentials;
const other = 'B'.repeat(64);

test('the certificate that is held is to be replaced, where it stands', async () => {
  const { deps, put, record } = fleetDependencies();
  await put(provisionedRecord(uuid, credentials));
  expect(await rotate(deps, uuid)).toMatchObject({ kind: 'accepted' });
  const { desired, job } = await record(uuid);
  expect(desired).toMatchObject({ present: true, service: 'main', retire: [thumbprint] });
  expect(job).toMatchObject({});
});

test('asked for again while it is under way, it is one rotation', async () => {
  const { deps, put, record, sent } = fleetDependencies();
  await put(provisionedRecord(uuid, credentials));
  await rotate(deps, uuid);
  const { requestId } = (await record(uuid)).desired;
  expect(await rotate(deps, uuid)).toMatchObject({ kind: 'accepted', record: { desired: { requestId } } });
  expect(sent).toHaveLength(1);
});

test('with revoke, the hub is to stop to accept the old one', async () => {
  const { deps, put, record } = fleetDependencies();
  await put(provisionedRecord(uuid, credentials));
  await rotate(deps, uuid, { revoke: true, action: 'leak', due: now + 60_000 });
  const { desired, job, action } = await record(uuid);
  expect(desired).toMatchObject({ retire: [thumbprint], revoke: [thumbprint] });
  expect(job?.due).toBe(now + 60_000);
  expect(action?.id).toBe('leak');
});

test('a certificate that was replaced meanwhile is not rotated again, unless it is to be revoked', async () => {
  const { deps, put, record } = fleetDependencies();
  await put(provisionedRecord(uuid, credentials, { previous: other, hub: [thumbprint, other] }));
  expect(await rotate(deps, uuid, { thumbprint: other })).toEqual({
    kind: 'nothing-to-rotate',
    why: 'replaced',
  });
  expect(await rotate(deps, uuid, { thumbprint: other, revoke: true })).toMatchObject({ kind: 'accepted' });
  expect((await record(uuid)).desired).toMatchObject({ retire: [other], revoke: [other] });
});

test('a certificate is revoked by its thumbprint, also if the record does not know what the device holds', async () => {
  const { deps, put, record } = fleetDependencies();
  await put(provisionedRecord(uuid, credentials, { thumbprint: null, hub: 'unknown' }));
  expect(await rotate(deps, uuid, { thumbprint: other })).toMatchObject({ why: 'no-certificate' });
  expect(await rotate(deps, uuid, { thumbprint: other, revoke: true })).toMatchObject({ kind: 'accepted' });
  expect((await record(uuid)).desired).toMatchObject({ retire: [other], revoke: [other] });
});

test('of a pair that is half stored, the one before is retired', async () => {
  const { deps, put, record } = fleetDependencies();
  await put(provisionedRecord(uuid, credentials, { thumbprint: null, previous: other }));
  await rotate(deps, uuid);
  expect((await record(uuid)).desired.retire).toEqual([other]);
});

test('where there is nothing to rotate, that is the answer', async () => {
  const { deps, put } = fleetDependencies();
  expect(await rotate(deps, uuid)).toEqual({ kind: 'nothing-to-rotate', why: 'no-record' });
  const record = provisionedRecord(uuid, credentials, { thumbprint: null });
  await put(record);
  expect(await rotate(deps, uuid)).toEqual({ kind: 'nothing-to-rotate', why: 'no-certificate' });
  await put({ ...record, desired: { ...record.desired, present: false, service: null } });
  expect(await rotate(deps, uuid)).toEqual({ kind: 'nothing-to-rotate', why: 'absent' });
});

const isToRotate = (...args: Parameters<typeof thumbprintToRotate>) => thumbprintToRotate(...args) !== null;

test('what is to be rotated is chosen by fleet, service, and when it was minted', () => {
  const summary = summarize(provisionedRecord(uuid, credentials));
  expect(isToRotate(summary)).toBe(true);
  expect(isToRotate(summary, { fleet, service: 'main', mintedBefore: now })).toBe(true);
  expect(isToRotate(summary, { fleet: 'other/fleet' })).toBe(false);
  expect(isToRotate(summary, { service: '' })).toBe(false);
  // The certificate was minted ten days ago.
  expect(isToRotate(summary, { mintedBefore: now - 11 * day })).toBe(false);
  expect(isToRotate({ ...summary, operation: 'deprovision' })).toBe(false);
  expect(isToRotate({ ...summary, thumbprint: null })).toBe(false);
});

test('after a leak, the certificate before a new one is revoked while the hub accepts that one', () => {
  const filter = { revoke: true, mintedBefore: now - 11 * day };
  const summary = summarize(provisionedRecord(uuid, credentials, { previous: other }));
  const { thumbprint } = credentials;
  const accepts = (hub: typeof summary.hub) => thumbprintToRotate({ ...summary, hub }, filter);
  expect([accepts([thumbprint, other]), accepts('unknown')]).toEqual([other, other]);
  expect(accepts([thumbprint, thumbprint])).toBeNull();
  expect(thumbprintToRotate({ ...summary, hub: 'unknown' }, { ...filter, revoke: false })).toBeNull();
  expect(thumbprintToRotate(summary, { ...filter, mintedBefore: now })).toBe(thumbprint);
});

test('after a leak, a device with a pair that is half stored is among them, whatever the dates say', () => {
  const observed = { thumbprint: null, previous: other };
  const half = summarize(provisionedRecord(uuid, credentials, observed));
  expect(isToRotate(half, { fleet, mintedBefore: now - 11 * day })).toBe(true);
  expect(isToRotate({ ...half, notBefore: null, notAfter: null }, { mintedBefore: now })).toBe(true);
  expect(isToRotate(half, { fleet: 'other/fleet' })).toBe(false);
});

describe('a request that comes between the reading and the writing of a rotation', () => {
  /** Dependencies whose record changes once, after the first reading. */
  async function crossing(change: (records: Records) => Promise<void>) {
    const { deps, put, record, sent } = fleetDependencies();
    await put(provisionedRecord(uuid, credentials));
    let reads = 0;
    const records: Records = {
      ...deps.records,
      async read(id) {
        const found = await deps.records.read(id);
        reads += 1;
        if (reads === 1) await change(deps.records);
        return found;
      },
    };
    return { deps: { ...deps, records }, record, sent };
  }

  test('a DELETE stands: the device is not provisioned again', async () => {
    const { deps, record, sent } = await crossing(async (records) => {
      await records.amend(uuid, (found) =>
        requested(found, { now, traceparent: undefined }, { uuid, present: false }, 'r2'),
      );
    });
    expect(await rotate(deps, uuid, { revoke: true })).toEqual({ kind: 'nothing-to-rotate', why: 'absent' });
    expect((await record(uuid)).desired).toMatchObject({ present: false, requestId: 'r2' });
    expect(sent).toHaveLength(0);
  });

  test('a move to another service stands, and the certificate is replaced there', async () => {
    const { deps, record } = await crossing(async (records) => {
      const move = { uuid, present: true as const, service: 'other' };
      await records.amend(uuid, (found) => requested(found, { now, traceparent: undefined }, move, 'r2'));
    });
    expect(await rotate(deps, uuid)).toMatchObject({ kind: 'accepted' });
    expect((await record(uuid)).desired).toMatchObject({ service: 'other', retire: [thumbprint] });
  });
});

test('the certificate of an own key can only be revoked', async () => {
  const { deps, put, record } = fleetDependencies();
  const own = {
    key: thumbprint,
    thumbprint,
    before: other,
    notBefore: 0,
    notAfter: 1,
    keyAlgorithm: 'ec-p256',
  };
  const before = provisionedRecord(uuid, credentials, { service: null });
  const withOwnKey = { ...before, desired: { ...before.desired, service: null, own } };
  await put(withOwnKey);
  expect(await rotate(deps, uuid)).toEqual({ kind: 'nothing-to-rotate', why: 'own-key' });
  expect(isToRotate(summarize(withOwnKey))).toBe(false);
  expect(isToRotate(summarize(withOwnKey), { revoke: true })).toBe(true);
  expect(await rotate(deps, uuid, { revoke: true })).toMatchObject({ kind: 'accepted' });
  expect((await record(uuid)).desired).toMatchObject({ service: null, own, revoke: [thumbprint] });
});
