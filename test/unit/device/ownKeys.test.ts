import type { DeviceRecord, KeyHistory, OwnCertificate } from '../../../src/device/record.js';
import type { DeviceRequest } from '../../../src/device/request.js';
import { isSameRequest } from '../../../src/device/request.js';
import { isInDesiredState } from '../../../src/device/state.js';
import {
  completed,
  failed,
  leased,
  requested,
  restoredFromMessage,
  signed,
} from '../../../src/device/transitions.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { now, provisioned, recordWith, requestId, uuid } from '../../support/records.js';

const [A, B, C, I] = ['A', 'B', 'C', 'D'].map((each) => each.repeat(64)) as [string, string, string, string];
const context = { now };
const week = 7 * 86_400_000;
type Signed = OwnCertificate & KeyHistory;
const key = (thumbprint: string, more: Partial<Signed> = {}): Signed => ({
  ...{
    thumbprint,
    key: `key of ${thumbprint}`,
    before: null,
    notBefore: now,
    notAfter: now + week,
    keyAlgorithm: 'ec-p256',
  },
  ...more,
});
const request = (thumbprint: string, uses?: string): DeviceRequest & { present: true } => {
  const { before: _, ...certificate } = key(thumbprint);
  return { uuid, present: true, service: null, own: { ...certificate, uses } };
};
const ask = (record: DeviceRecord | null, thumbprint: string, uses?: string) =>
  requested(record, context, request(thumbprint, uses), 'next');

/** A device that is in its desired state with an own key. */
const owning = (own: Signed, more: Partial<DeviceRecord['observed']> = {}): DeviceRecord => {
  const observed = { ...provisioned.observed, thumbprint: own.thumbprint, service: null };
  const hub: [string, string] = [own.thumbprint, own.before ?? own.thumbprint];
  return recordWith({
    desired: { present: true, service: null, requestId, requestedAt: now, validated: true, own },
    observed: { ...observed, hub, ...more },
  });
};
const beside = (until: number | null) => ({
  issued: { thumbprint: I, until },
  hub: [A, I] as [string, string],
});

describe('the certificate before', () => {
  test.each<[string, DeviceRecord | null, string, string | undefined, string | null]>([
    ['there is none without a record', null, A, undefined, null],
    ['there is none for a device with an issued key', provisioned, A, undefined, null],
    ['a certificate that the hub accepted becomes it', owning(key(A)), B, undefined, A],
    ['a certificate that the hub never accepted does not', { ...ask(owning(key(A)), B) }, C, undefined, A],
    ['a certificate that the device uses becomes it', ask(owning(key(A)), B), C, B, B],
    ['it stays if the device says that it uses it', owning(key(B, { before: A })), C, A, A],
    ['it stays with the same certificate', owning(key(B, { before: A })), B, undefined, A],
    ['a certificate of nobody is not believed', owning(key(A)), B, I, A],
  ])('%s', (_, record, thumbprint, uses, before) => {
    expect(ask(record, thumbprint, uses).desired.own).toMatchObject({ thumbprint, before });
  });
});

describe('a certificate request', () => {
  const renewal = (at: number) => ({ at, renewAt: 0.5 });
  const csr = (of: string, at = now, uses?: string): DeviceRequest & { present: true } => ({
    ...{ uuid, present: true, service: null },
    own: {
      ...{ thumbprint: null, key: `key of ${of}`, keyAlgorithm: 'ec-p256', publicKey: 'spki' },
      ...{ uses, renewal: renewal(at) },
    },
  });
  const byCa = owning(key(A, { certificate: 'der' }), { issuer: 'ca' });
  const unsigned = requested(owning(key(A)), context, csr(B), 'next');

  test.each<[string, boolean, DeviceRecord, DeviceRequest]>([
    ['the same key, before the renewal', true, byCa, csr(A, now + week / 2 - 1)],
    ['the same key, at the renewal', false, byCa, csr(A, now + week / 2)],
    ['another key', false, byCa, csr(B)],
    ['the same key, whose certificate the device has signed', false, owning(key(A)), csr(A)],
    ['the same key, before the CA has signed', true, unsigned, csr(B, now + 10 * week)],
    ['another key, before the CA has signed', false, unsigned, csr(C)],
    ['a certificate, before the CA has signed', false, unsigned, request(B)],
  ])('%s: the same request is %s', (_, isSame, record, asked) => {
    expect(isSameRequest(asked, record)).toBe(isSame);
  });

  test('the renewal of a key keeps the certificate before, and the record keeps no time of the request', () => {
    const { own } = requested(byCa, context, csr(A, now + week), 'next').desired;
    const expected = { thumbprint: null, key: `key of ${A}`, keyAlgorithm: 'ec-p256', publicKey: 'spki' };
    expect(own).toEqual({ ...expected, before: A });
  });

  test('a device that shows that it uses the certificate of the CA keeps the certificate', () => {
    const issued = owning(key(A, { certificate: 'der', before: C }), { issuer: 'ca', ...beside(null) });
    const asked = csr(A, now, A);
    expect(isSameRequest(asked, issued)).toBe(false);
    expect(requested(issued, context, asked, 'next').desired.own).toEqual({
      ...issued.desired.own,
      handedOver: true,
    });
  });

  test('a request that was replaced before the CA has signed is not the certificate before', () => {
    expect(requested(unsigned, context, csr(C), 'last').desired.own).toMatchObject({ before: A });
  });

  test('the CA signs for the present key only, and not for a revoked one', () => {
    const { before: _, ...certificate } = key(B, { certificate: 'der' });
    expect(signed(unsigned, certificate)?.desired.own).toEqual({ ...certificate, before: A });
    expect(signed(requested(unsigned, context, csr(C), 'last'), certificate)).toBeNull();
    expect(signed(owning(key(A)), certificate)).toBeNull();
    const revoked = { ...unsigned, desired: { ...unsigned.desired, revokedKeys: [`key of ${B}`] } };
    expect(signed(revoked, certificate)).toBeNull();
    const handed = { ...unsigned.desired.own!, handedOver: true as const };
    const record = { ...unsigned, desired: { ...unsigned.desired, own: handed } };
    expect(signed(record, certificate)?.desired.own).toMatchObject({ handedOver: true });
  });

  test('a device without a signed certificate is not in its desired state', () => {
    const done = { ...unsigned, job: null, observed: { ...unsigned.observed, thumbprint: null } };
    expect(isInDesiredState(done)).toBe(false);
  });
});

describe('a revocation of an own certificate revokes its key', () => {
  const revoke = (record: DeviceRecord, retire: string) => {
    const { own } = record.desired;
    const place = own ? { service: null, own } : { service: 'main' };
    const asked = { uuid, present: true as const, ...place, retire, revoke: true } as DeviceRequest;
    return requested(record, context, asked, 'revoked').desired;
  };
  const same = { key: 'K' };
  const ownKeys = { [A]: 'K', [B]: 'K', [C]: 'another' };

  test('of the present certificate: all certificates of the key are revoked', () => {
    const record = owning(key(B, { ...same, before: A }), { ownKeys });
    expect(revoke(record, B)).toMatchObject({ retire: [B], revoke: [A, B], revokedKeys: ['K'] });
  });

  test('of the certificate before, which has another key: the present key stays', () => {
    const record = owning(key(B, { ...same, before: C }), { ownKeys });
    expect(revoke(record, C)).toMatchObject({ retire: [C], revoke: [C], revokedKeys: ['another'] });
  });

  test('of the certificate before a request that the CA has not signed: the key of the request is revoked', () => {
    const own = { ...same, keyAlgorithm: 'ec-p256', thumbprint: null, publicKey: 'spki', before: A };
    const record = owning(key(A, same), { ownKeys });
    const desired = revoke({ ...record, desired: { ...record.desired, own } }, A);
    expect(desired).toMatchObject({ revoke: [B, A], revokedKeys: ['K'], own: { thumbprint: null } });
  });

  test('after the way back to an issued key', () => {
    const record = { ...provisioned, observed: { ...provisioned.observed, ownKeys: { [A]: 'K' } } };
    expect(revoke(record, A)).toMatchObject({ revoke: [A], revokedKeys: ['K'] });
  });

  test('a rotation that revokes nothing, and the revocation of an issued certificate, revoke no key', () => {
    const asked = { uuid, present: true, service: 'main', retire: A } as const;
    expect(requested(owning(key(A)), context, asked, 'x').desired.revokedKeys).toBeUndefined();
    expect(revoke(provisioned, I)).toMatchObject({ revoke: [I] });
    expect(revoke(provisioned, I).revokedKeys).toBeUndefined();
  });

  test('a new key has no certificate before, if the revoked key may have made it', () => {
    const revoked = { revoke: [B], revokedKeys: [`key of ${B}`] };
    const record = owning(key(B, { before: A }), { thumbprint: null, hub: 'none' });
    const withKeys = (ownKeys: Record<string, string>) =>
      ask(
        { ...record, desired: { ...record.desired, ...revoked }, observed: { ...record.observed, ownKeys } },
        C,
        A,
      ).desired.own?.before;
    expect(withKeys({ [B]: `key of ${B}` })).toBeNull();
    expect(withKeys({ [B]: `key of ${B}`, [A]: `key of ${A}` })).toBe(A);
  });

  test('a DELETE keeps the revoked keys, of which there are eight at most', () => {
    const keys = Array.from({ length: 8 }, (_, n) => `K${n}`);
    const record = owning(key(A));
    const full = { ...record, desired: { ...record.desired, revokedKeys: keys } };
    expect(revoke(full, A).revokedKeys).toEqual([...keys.slice(1), `key of ${A}`]);
    const gone = requested(full, context, { uuid, present: false }, 'gone');
    expect(gone.desired.revokedKeys).toEqual(keys);
  });

  test('a device with an own key keeps a certificate that a rotation of its issued key has named', () => {
    const record = owning(key(A));
    const rotated = { ...record, desired: { ...record.desired, retire: [A] } };
    expect(isInDesiredState(rotated)).toBe(true);
  });

  test('a device whose key is revoked is not in its desired state', () => {
    const record = owning(key(A));
    const revoked = { ...record, desired: { ...record.desired, revokedKeys: [`key of ${A}`] } };
    expect([isInDesiredState(record), isInDesiredState(revoked)]).toEqual([true, false]);
  });
});

describe('the device shows that it uses its own key', () => {
  const inHandover = owning(key(A), beside(now + week));

  test.each<[string, DeviceRecord, string, string | undefined, boolean]>([
    ['with the certificate that the hub accepts', inHandover, A, A, true],
    ['with a renewal', inHandover, B, A, true],
    ['not without saying so', inHandover, A, undefined, false],
    ['not with a certificate that the hub does not accept', ask(inHandover, B), B, B, false],
    ['not with the issued certificate', inHandover, A, I, false],
    ['not if the state of the hub is unknown', owning(key(A), { hub: 'unknown' }), A, A, false],
    ['once for all own certificates', owning(key(A, { handedOver: true })), B, undefined, true],
  ])('%s', (_, record, thumbprint, uses, isHandedOver) => {
    expect(ask(record, thumbprint, uses).desired.own?.handedOver ?? false).toBe(isHandedOver);
  });

  test('which is a new request, once', () => {
    expect(isSameRequest(request(A), inHandover)).toBe(true);
    expect(isSameRequest(request(A, A), inHandover)).toBe(false);
    expect(isSameRequest(request(A, A), ask(inHandover, A, A))).toBe(true);
  });
});

describe('a success', () => {
  test('without an issued certificate hands the device over', () => {
    const record = completed(owning(key(A)), context, [], false, week);
    expect(record.desired.own?.handedOver).toBe(true);
    expect(record.check).toBeNull();
    expect(isInDesiredState(record)).toBe(true);
  });

  test('beside an issued certificate begins its time, and plans a check for the end', () => {
    const record = completed(owning(key(A), beside(null)), context, [], false, week);
    expect(record.observed.issued).toEqual({ thumbprint: I, until: now + week });
    expect(record.check).toMatchObject({ due: now + week, notBefore: now + week });
    expect(record.desired.own?.handedOver).toBeUndefined();
    expect(isInDesiredState({ ...record, scopes: ['main'] })).toBe(true);
    // The time of a later success is not the beginning.
    const again = completed({ ...record, check: null }, { now: now + 5 }, [], false, week);
    expect(again.check?.due).toBe(now + week);
  });

  test('at the end of the time, by a run that began before, plans the check for now', () => {
    expect(completed(owning(key(A), beside(now - 1)), context, [], true, week).check?.due).toBe(now);
  });
});

test('a check that fails for good before the time leaves the check for the end of the time', () => {
  const failure = { error: new ProvisioningError('hub-rejected', 'No.'), counted: false, steps: [] };
  const checked = (until: number) => ({
    ...owning(key(A), beside(until)),
    check: { generation: 1, due: now },
  });
  expect(failed(checked(now + week), context, failure).check?.due).toBe(now + week);
  expect(failed(checked(now), context, failure).check).toBeNull();
});

test('the way back: a lease for an issued key forgets the time of the issued certificate', () => {
  const back = requested(
    owning(key(A), beside(now)),
    context,
    { uuid, present: true, service: 'main' },
    'next',
  );
  expect(back.desired).not.toHaveProperty('own');
  const lease = { by: 'me', until: now + 1, lateUntil: now + 2 };
  expect(leased(back, context, lease).observed.issued).toBeUndefined();
  expect(leased(owning(key(A), beside(now)), context, lease).observed.issued).toBeDefined();
});

test('a lost record comes back from the message with the own key, and without a scope', () => {
  const own = key(A, { handedOver: true });
  const message = { uuid, requestId, generation: 5, operation: 'provision' as const, service: null, own };
  expect(restoredFromMessage(message, context).desired).toMatchObject({ service: null, own });
});

test('the hub must accept nothing else', () => {
  const fits = (more: Partial<DeviceRecord['observed']>, own = key(A)) => isInDesiredState(owning(own, more));
  expect(fits({})).toBe(true);
  expect(fits({ hub: [A, C] })).toBe(false);
  expect(fits({ hub: [A, C] }, key(A, { before: C }))).toBe(true);
  expect(fits({ hub: [C, C] })).toBe(false);
  expect(fits(beside(now), key(A, { handedOver: true }))).toBe(false);
  expect(isInDesiredState({ ...owning(key(A)), scopes: ['main'] })).toBe(false);
  // The certificate before stays accepted, unless it is revoked.
  const withBefore = owning(key(A, { before: C }));
  const revoke = (thumbprint: string) => ({ ...withBefore.desired, revoke: [thumbprint] });
  expect(isInDesiredState({ ...withBefore, desired: revoke(B) })).toBe(true);
  expect(isInDesiredState({ ...withBefore, desired: revoke(C) })).toBe(false);
});
