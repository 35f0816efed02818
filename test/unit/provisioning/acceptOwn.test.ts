import type { DeviceRecord, KeyHistory, OwnCertificate } from '../../../src/device/record.js';
import { requestPartOf } from '../../../src/device/refusal.js';
import type { DeviceRequest } from '../../../src/device/request.js';
import { accept, acceptRotation } from '../../../src/provisioning/accept.js';
import { acceptDependencies } from '../../support/acceptTools.js';
import { now, provisioned, recordWith, requestId, uuid } from '../../support/records.js';

const minutes = 60_000;
const [A, B] = ['A'.repeat(64), 'B'.repeat(64)] as const;
/** Each certificate has a key of its own. */
const keyOf = (thumbprint: string) => `key of ${thumbprint}`;
const certificate = (thumbprint: string) => ({
  ...{ thumbprint, key: keyOf(thumbprint) },
  ...{ notBefore: now, notAfter: now + 86_400_000, keyAlgorithm: 'ec-p256' },
});
const post = (thumbprint: string, uses?: string): DeviceRequest & { present: true; service: null } => ({
  ...{ uuid, present: true, service: null },
  own: { ...certificate(thumbprint), uses },
});
const issuedPost: DeviceRequest = { uuid, present: true, service: 'main' };
const own: OwnCertificate & KeyHistory = { ...certificate(A), before: null, handedOver: true };
const desired: DeviceRecord['desired'] = {
  ...{ present: true, service: null, requestId, requestedAt: now - minutes },
  ...{ validated: true, own, proved: true },
};
const owning = recordWith({
  desired,
  observed: { ...provisioned.observed, thumbprint: A, service: null, hub: [A, A], verifiedAt: now },
});
const dead = { generation: 1, due: now, dead: { at: now } };
const failedWith = (code: 'hub-rejected' | 'certificate-revoked'): DeviceRecord => ({
  ...owning,
  job: dead,
  error: { code, step: 'register', message: 'No.', at: now },
  coolDownUntil: now + 10 * minutes,
});

async function requested(record: DeviceRecord | null, ask: DeviceRequest, isProved = true) {
  const system = acceptDependencies(now);
  if (record) await system.put(record);
  const answer = await accept(system.deps, ask, isProved);
  return { ...system, answer };
}

test('a fresh device: the message has the own key, for a lost record', async () => {
  const { answer, sent } = await requested(null, post(A));
  expect(answer.kind).toBe('accepted');
  expect(sent).toEqual([
    expect.objectContaining({
      operation: 'provision',
      service: null,
      own: { ...certificate(A), before: null },
    }),
  ]);
});

test('the same certificate again changes nothing', async () => {
  expect((await requested(owning, post(A, A))).answer.kind).toBe('already-provisioned');
  const pending = await requested({ ...owning, job: { generation: 1, due: now } }, post(A));
  expect(pending.answer).toMatchObject({ kind: 'accepted', record: { desired: { requestId } } });
});

test('another certificate is a new request', async () => {
  const { answer } = await requested(owning, post(B, A));
  expect(answer).toMatchObject({
    kind: 'accepted',
    record: { desired: { own: { thumbprint: B, before: A, handedOver: true }, validated: true } },
  });
  expect(answer.record.desired.requestId).not.toBe(requestId);
});

test('a change from an issued key can be refused, and another own certificate cannot', async () => {
  const first = await requested(
    { ...provisioned, desired: { ...provisioned.desired, validated: true } },
    post(A),
  );
  expect(first.answer.record.fallback?.desired.service).toBe('main');
  expect((await requested(owning, post(B))).answer.record.fallback).toBeNull();
});

test('within the cool-down, no certificate of the device is accepted', async () => {
  for (const thumbprint of [A, B])
    expect((await requested(failedWith('hub-rejected'), post(thumbprint))).answer).toMatchObject({
      kind: 'failed',
      retryAt: now + 10 * minutes,
    });
  const refusal = requestPartOf(failedWith('hub-rejected'));
  const { answer } = await requested({ ...provisioned, refusal }, post(B));
  expect(answer.kind).toBe('failed');
});

describe('a revoked certificate', () => {
  const revoked = { ...desired, retire: [A], revoke: [A] };

  test('is never accepted again, not even after a DELETE', async () => {
    expect((await requested({ ...owning, desired: revoked }, post(A))).answer.kind).toBe('revoked');
    const { own: _, ...rest } = revoked;
    const absent = recordWith({ desired: { ...rest, present: false } });
    expect((await requested(absent, post(A))).answer.kind).toBe('revoked');
  });

  test('makes room for a new one at once: no cool-down waits for the remedy', async () => {
    const record = { ...failedWith('certificate-revoked'), desired: revoked };
    expect((await requested(record, post(B))).answer.kind).toBe('accepted');
  });
});

describe('a device that requests another own key again and again', () => {
  const times = [now - 29 * minutes, now - 2 * minutes, now - minutes];
  const late = { ...owning, desired: { ...desired, newKeys: times } };

  test('waits after the third key within half an hour, and keeps the last one', async () => {
    const { answer, sent } = await requested(late, post(B, A));
    expect(answer).toMatchObject({ kind: 'too-many-keys', retryAt: now + minutes });
    expect(answer.record.desired.own?.thumbprint).toBe(A);
    expect(sent).toEqual([]);
  });

  test('goes on when the oldest of the three requests is half an hour old', async () => {
    const [, ...newest] = times;
    const older = { ...late, desired: { ...desired, newKeys: [now - 30 * minutes, ...newest] } };
    const { answer } = await requested(older, post(B, A));
    expect(answer).toMatchObject({ kind: 'accepted', record: { desired: { newKeys: [...newest, now] } } });
  });

  test('is counted from an issued key on, and also while a request is pending', async () => {
    const { answer } = await requested(provisioned, post(A));
    expect(answer.record.desired.newKeys).toEqual([now]);
    const again = await requested(answer.record, post(B));
    expect(again.answer.record.desired.newKeys).toEqual([now, now]);
    expect((await requested(again.answer.record, issuedPost)).answer.record.desired.newKeys).toEqual([
      now,
      now,
    ]);
    expect((await requested(null, post(A))).answer.record.desired.newKeys).toBeUndefined();
  });

  test('may repeat the same certificate, and get a new key after a revocation', async () => {
    expect((await requested(late, post(A, A))).answer.kind).toBe('already-provisioned');
    const system = acceptDependencies(now);
    await system.put(late);
    await acceptRotation(system.deps, { ...post(A), retire: A, revoke: true });
    expect((await accept(system.deps, post(B))).kind).toBe('accepted');
  });
});

test('two kinds of keys that are requested in turn do not move the device all the time', async () => {
  const moved = { ...owning, desired: { ...desired, movedAt: now } };
  expect((await requested(moved, issuedPost)).answer.kind).toBe('service-conflict');
});

test('requests of others do not keep a device from its own key', async () => {
  const { own: _, proved: __, ...rest } = desired;
  const issued = { ...rest, service: 'main' };
  const moved = { ...provisioned, desired: { ...issued, movedAt: now } };
  expect((await requested(moved, post(A))).answer.kind).toBe('accepted');
  // Neither does a change of service that the device itself, or an operator, has made.
  const movedByDevice = { ...moved, desired: { ...moved.desired, proved: true as const } };
  expect((await requested(movedByDevice, post(A))).answer.kind).toBe('accepted');
  // A request for an invented service was refused a moment ago, and the next one is pending.
  const refusal = {
    ...requestPartOf(failedWith('hub-rejected')),
    desired: { ...issued, service: 'invented' },
    job: { generation: 2, due: now, dead: { at: now - 100 } },
  };
  const pending = { ...provisioned, desired: { ...issued, service: 'y' }, job: { generation: 3, due: now } };
  const attacked = { ...pending, fallback: requestPartOf(provisioned), refusal, lastGeneration: 3 };
  expect((await requested(attacked, { ...issuedPost, service: 'z' }, false)).answer.kind).toBe(
    'service-conflict',
  );
  expect((await requested(attacked, post(A))).answer.kind).toBe('accepted');
});

test('nobody else takes a device off its own key: a request for an issued key needs the proof', async () => {
  expect((await requested(owning, issuedPost, false)).answer.kind).toBe('unproved');
  // The message of a lost record has the own key, and not the proof.
  const { proved: _, ...restored } = desired;
  expect((await requested({ ...owning, desired: restored }, issuedPost, false)).answer.kind).toBe('unproved');
  // The own key may come back, if the request at "x" is refused.
  const other = { present: true, service: 'x', requestId: 'other', requestedAt: now };
  const waiting = recordWith({
    desired: other,
    fallback: requestPartOf(owning),
    job: { generation: 2, due: now },
  });
  expect((await requested(waiting, issuedPost, false)).answer.kind).toBe('unproved');
  expect((await requested(owning, issuedPost)).answer.kind).toBe('accepted');
  expect((await requested(provisioned, issuedPost, false)).answer.kind).not.toBe('unproved');
});

test('a revocation that crosses with another certificate does not bring the certificate before back', async () => {
  const system = acceptDependencies(now);
  await system.put({ ...owning, desired: { ...desired, own: { ...own, thumbprint: B } } });
  expect(await acceptRotation(system.deps, { ...post(A), retire: A, revoke: true })).toBeNull();
});

test('a revoked key is answered with its revocation, whatever certificate or request comes with the key', async () => {
  const revoked = { ...owning, desired: { ...desired, own: undefined, revokedKeys: [keyOf(A)] } };
  const another = post(B);
  const withKey = { ...another, own: { ...another.own, key: keyOf(A) } };
  const csr = {
    ...another,
    own: { ...{ thumbprint: null, key: keyOf(A), keyAlgorithm: 'ec-p256' }, publicKey: 'spki' },
  };
  for (const each of [withKey, csr]) expect((await requested(revoked, each)).answer.kind).toBe('revoked');
  expect((await requested(revoked, another)).answer.kind).toBe('accepted');
});

test('a rotation stands only for the same certificate of the same key', async () => {
  const system = acceptDependencies(now);
  const unsigned = {
    ...{ thumbprint: null, key: keyOf(B), keyAlgorithm: 'ec-p256' },
    publicKey: 'spki',
    before: A,
  };
  await system.put({ ...owning, desired: { ...desired, own: unsigned } });
  const rotation = { ...post(A), retire: A, revoke: true };
  const ofKey = (key: string) => acceptRotation(system.deps, { ...rotation, own: { ...unsigned, key } });
  expect(await ofKey(keyOf(A))).toBeNull();
  expect(await ofKey(keyOf(B))).toMatchObject({ kind: 'accepted' });
});
