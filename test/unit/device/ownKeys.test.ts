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
});
