import { jest } from '@jest/globals';
import type { KeyHistory, OwnCertificate, OwnKey } from '../../../src/device/record.js';
import { reconcile } from '../../../src/provisioning/reconcile.js';
import {
  A,
  B,
  C,
  D,
  deviceWith,
  E,
  type FakeOptions,
  fakeWork,
  mintFor,
  now,
  scopedVariablesOf,
  scopedVariablesWith,
} from '../../support/stepFakes.js';

const issued = await mintFor();
const I = issued.thumbprint;
type Signed = OwnCertificate & KeyHistory;
const own = (more: Partial<Signed> = {}): Signed => ({
  ...{
    thumbprint: A,
    key: 'key of A',
    before: null,
    notBefore: now - 1,
    notAfter: now + 1,
    keyAlgorithm: 'ec-p384',
  },
  ...more,
});
const withIssued = deviceWith({ '': scopedVariablesOf(1), main: scopedVariablesWith(2, issued) });
const empty = deviceWith({ '': scopedVariablesOf(1), main: scopedVariablesOf(2) });

/** The work of a device whose last request names its own key. */
const ownWork = (key: OwnKey, options: FakeOptions = {}) =>
  fakeWork({
    scopes: [],
    device: empty,
    ...options,
    desired: { service: null, own: key, ...options.desired },
  });
/** The device had an issued key at the service "main". */
const wasIssued: FakeOptions = {
  device: withIssued,
  scopes: ['main'],
  hub: [I, I],
  observed: { thumbprint: I, service: 'main', hub: [I, I], hubEtag: 'e0' },
};
/** The device has an own key, and the issued certificate stays. */
const inHandover = (until: number | null): FakeOptions => ({
  ...wasIssued,
  hub: [A, I],
  observed: {
    ...{ thumbprint: A, previous: I, service: null, hub: [A, I], hubEtag: 'e0' },
    issued: { thumbprint: I, until },
  },
});

test('a fresh device costs one balena request and one registry operation, and nothing is minted or stored', async () => {
  const { work, calls, minted, stored, identity } = ownWork(own());
  await reconcile(work);
  expect(calls).toEqual(['find', 'hub create AA']);
  expect({ minted: minted(), stored }).toEqual({ minted: 0, stored: [] });
  expect(identity()).toMatchObject({ thumbprints: [A, A] });
  expect(work.observed).toMatchObject({
    thumbprint: A,
    previous: null,
    service: null,
    keyAlgorithm: 'ec-p384',
  });
  expect(work.validated).toBe(true);
});

test('a second look costs one balena request, and nothing at the hub', async () => {
  const { work, calls } = ownWork(own(), { hub: [A, A], observed: { thumbprint: A, hub: [A, A] } });
  await reconcile(work);
  expect(calls).toEqual(['find']);
});

test('another own certificate: the one before stays accepted', async () => {
  const { work, calls } = ownWork(own({ thumbprint: B, before: A, handedOver: true }), {
    hub: [A, C],
    observed: { thumbprint: A, previous: C, hub: [A, C], hubEtag: 'e0' },
  });
  await reconcile(work);
  expect(calls).toEqual(['find', 'hub update BA of e0']);
});

test('from an issued key: the issued certificate stays accepted, and its variables stay', async () => {
  const { work, calls, removed } = ownWork(own(), wasIssued);
  await reconcile(work);
  expect(calls).toEqual(['find', `hub update A${I[0]} of e0`]);
  expect(removed).toEqual([]);
  expect(work.observed).toMatchObject({ thumbprint: A, previous: I, issued: { thumbprint: I, until: null } });
});

test('from half an issued pair: the certificate before the pair stays accepted', async () => {
  const half = deviceWith({ main: scopedVariablesOf(2, { AZURE_CERT: issued.certificate }) });
  const observed = {
    thumbprint: null,
    previous: D,
    service: 'main',
    hub: [B, D] as [string, string],
    hubEtag: 'e0',
  };
  const { work, calls } = ownWork(own(), { device: half, scopes: ['main'], hub: [B, D], observed });
  await reconcile(work);
  expect(calls).toEqual(['find', 'hub update AD of e0']);
});

test('with a lost record: the pair in balena stays accepted', async () => {
  const { work, identity } = ownWork(own(), { device: withIssued, hub: [I, I] });
  await reconcile(work);
  expect(identity()).toMatchObject({ thumbprints: [A, I] });
});

test('before the time, nothing is retired; another own certificate does not end the time', async () => {
  const still = ownWork(own(), inHandover(now + 1));
  await reconcile(still.work);
  expect(still.calls).toEqual(['find']);
  const another = ownWork(own({ thumbprint: B, before: A }), inHandover(now + 1));
  await reconcile(another.work);
  expect(another.calls).toEqual(['find', `hub update B${I[0]} of e0`]);
  expect(another.work.observed.issued).toEqual({ thumbprint: I, until: now + 1 });
});

test.each<[string, OwnKey, number | null]>([
  ['the device has shown that it uses its own key', own({ handedOver: true }), null],
  ['the time has passed', own(), now],
])(
  '%s: the issued certificate is retired at the hub, and then its variables are removed',
  async (_, key, until) => {
    const { work, calls } = ownWork(key, inHandover(until));
    await reconcile(work);
    expect(calls).toEqual([
      'find',
      'hub update AA of e0',
      'remove 20 at "main"',
      'remove 21 at "main"',
      'find',
    ]);
    expect(work.observed.issued).toBeUndefined();
    expect([...work.clearedScopes]).toContain('main');
  },
);

test('the variables cannot be removed: the hub rejects the issued certificate all the same, and the run fails', async () => {
  const { work, identity } = ownWork(own({ handedOver: true }), {
    ...inHandover(null),
    keeps: ['AZURE_CERT'],
  });
  await expect(reconcile(work)).rejects.toMatchObject({ code: 'balena-write-refused' });
  expect(identity()).toMatchObject({ thumbprints: [A, A] });
  expect([...work.clearedScopes]).not.toContain('main');
});

describe('a revoked certificate', () => {
  const revoke = (thumbprint: string) => ({ retire: [thumbprint], revoke: [thumbprint] });

  test('is rejected by the hub: without another one, the identity goes', async () => {
    const { work, identity } = ownWork(own({ handedOver: true }), {
      desired: revoke(A),
      hub: [A, A],
      observed: { thumbprint: A, hub: [A, A], hubEtag: 'e0' },
    });
    await expect(reconcile(work)).rejects.toMatchObject({ code: 'certificate-revoked' });
    expect(identity()).toBe('none');
    expect(work.observed).toMatchObject({ thumbprint: null, previous: null });
  });

  test('is rejected by the hub: the issued certificate stays', async () => {
    const { work, identity } = ownWork(own(), { ...inHandover(now + 1), desired: revoke(A) });
    await expect(reconcile(work)).rejects.toMatchObject({ code: 'certificate-revoked' });
    expect(identity()).toMatchObject({ thumbprints: [I, I] });
    expect(work.observed.issued).toEqual({ thumbprint: I, until: now + 1 });
  });

  test('stays away as the one before, and as the issued one', async () => {
    const before = ownWork(own({ thumbprint: B, before: A, handedOver: true }), {
      desired: revoke(A),
      hub: [B, A],
      observed: { thumbprint: B, hub: [B, A], hubEtag: 'e0' },
    });
    await reconcile(before.work);
    expect(before.identity()).toMatchObject({ thumbprints: [B, B] });
    const beside = ownWork(own(), { ...inHandover(now + 1), desired: revoke(I) });
    await reconcile(beside.work);
    expect(beside.identity()).toMatchObject({ thumbprints: [A, A] });
    expect(beside.removed).toHaveLength(2);
  });
});

test('the way back: the own certificate stays accepted beside the issued one', async () => {
  const observed = { thumbprint: A, service: null, hub: [A, A] as [string, string], hubEtag: 'e0' };
  const { work, identity, minted } = fakeWork({
    desired: { service: 'main' },
    scopes: ['main'],
    device: empty,
    hub: [A, A],
    observed,
  });
  await reconcile(work);
  expect(minted()).toBe(1);
  expect(identity()).toMatchObject({ thumbprints: [work.observed.thumbprint, A] });
  expect(work.observed).toMatchObject({ service: 'main', previous: A });
});

test('a disabled identity stays disabled', async () => {
  const properties = { status: 'disabled' };
  const { work, calls } = ownWork(own(), { hub: [C, C], properties, observed: { thumbprint: C } });
  await expect(reconcile(work)).rejects.toMatchObject({ code: 'hub-device-disabled' });
  expect(calls).toEqual(['find', 'hub get']);
});

const toSign: OwnKey = {
  ...{ thumbprint: null, key: 'K', keyAlgorithm: 'ec-p256', publicKey: 'spki', before: null },
};

test('a certificate request costs one balena request, one signature and one registry operation', async () => {
  const { work, calls, minted, stored, identity } = ownWork(toSign);
  await reconcile(work);
  expect(calls).toEqual(['find', 'sign', 'hub create EE']);
  expect({ minted: minted(), stored }).toEqual({ minted: 0, stored: [] });
  expect(identity()).toMatchObject({ thumbprints: [E, E] });
  expect(work.observed).toMatchObject({ thumbprint: E, issuer: 'ca', ownKeys: { [E]: 'K' } });
});

test('a certificate that the CA has signed is not signed again', async () => {
  const { work, calls } = ownWork(own({ certificate: 'der' }));
  await reconcile(work);
  expect(calls).toEqual(['find', 'hub create AA']);
  expect(work.observed.issuer).toBe('ca');
});

test('the renewal of a key keeps the certificate before', async () => {
  const { work, calls } = ownWork(
    { ...toSign, before: A },
    {
      hub: [A, A],
      observed: { thumbprint: A, hub: [A, A], hubEtag: 'e0', ownKeys: { [A]: 'K', [B]: 'old' } },
    },
  );
  await reconcile(work);
  expect(calls).toEqual(['find', 'sign', 'hub update EA of e0']);
  expect(work.observed.ownKeys).toEqual({ [A]: 'K', [E]: 'K' });
});

test('a CA that does not answer ends the run before the hub, and without a place in the line', async () => {
  const { work, calls } = ownWork(toSign, { caFails: true });
  const waits = jest.fn(async () => {});
  work.awaitOperation = waits;
  await expect(reconcile(work)).rejects.toMatchObject({ code: 'ca-unavailable' });
  expect(calls).toEqual(['find', 'sign']);
  expect(waits).not.toHaveBeenCalled();
  expect(work.validated).toBe(true);
});

test('a revoked key: the certificate before, whose key a lost record no longer names, goes too', async () => {
  const { work, calls } = ownWork(own({ thumbprint: B, key: 'K', before: A, handedOver: true }), {
    ...{ hub: [B, A], desired: { revokedKeys: ['K'], revoke: [B] } },
    observed: { thumbprint: B, hub: [B, A], hubEtag: 'e0', ownKeys: { [B]: 'K' } },
  });
  await expect(reconcile(work)).rejects.toMatchObject({ code: 'certificate-revoked' });
  expect(calls).toEqual(['find', 'hub remove']);
});

test('a revoked key: the certificate before stays if it is of another key', async () => {
  const { work, calls } = ownWork(own({ thumbprint: B, key: 'K', before: A, handedOver: true }), {
    ...{ hub: [B, A], desired: { revokedKeys: ['K'], revoke: [B] } },
    observed: { thumbprint: B, hub: [B, A], hubEtag: 'e0', ownKeys: { [B]: 'K', [A]: 'L' } },
  });
  await expect(reconcile(work)).rejects.toMatchObject({ code: 'certificate-revoked' });
  expect(calls).toEqual(['find', 'hub update AA of e0']);
});

describe('a revocation while the CA cannot sign', () => {
  const fails = { code: 'ca-unavailable' };

  test('the hub rejects the revoked certificate of another own key at once', async () => {
    const { work, calls, identity } = ownWork(
      { ...toSign, before: A, handedOver: true },
      {
        ...{ hub: [A, C], caFails: true, desired: { revokedKeys: ['key of A'], revoke: [A] } },
        observed: { thumbprint: A, previous: C, hub: [A, C], hubEtag: 'e0' },
      },
    );
    await expect(reconcile(work)).rejects.toMatchObject(fails);
    expect(calls).toEqual(['find', 'sign', 'hub remove']);
    expect(identity()).toBe('none');
    expect(work.observed).toMatchObject({ thumbprint: null, previous: null, notAfter: null });
  });

  test('the hub rejects the revoked issued certificate at once', async () => {
    const { work, identity } = ownWork(toSign, { ...wasIssued, caFails: true, desired: { revoke: [I] } });
    await expect(reconcile(work)).rejects.toMatchObject(fails);
    expect(identity()).toBe('none');
  });

  test('the certificate that is not revoked stays', async () => {
    const { work, calls } = ownWork(
      { ...toSign, before: A, handedOver: true },
      {
        ...{ hub: [A, C], caFails: true, desired: { revoke: [C] } },
        observed: { thumbprint: A, previous: C, hub: [A, C], hubEtag: 'e0', notAfter: now },
      },
    );
    await expect(reconcile(work)).rejects.toMatchObject(fails);
    expect(calls).toEqual(['find', 'sign', 'hub update AA of e0']);
    expect(work.observed).toMatchObject({ thumbprint: A, previous: null, notAfter: now });
  });

  test('is done once, and costs nothing if the hub accepts no revoked certificate', async () => {
    const { work, calls } = ownWork(
      { ...toSign, before: A },
      {
        ...{ hub: [A, A], caFails: true, desired: { revoke: [C] } },
        observed: { thumbprint: A, hub: [A, A], hubEtag: 'e0' },
      },
    );
    await expect(reconcile(work)).rejects.toMatchObject(fails);
    expect(calls).toEqual(['find', 'sign']);
  });
});

test.each<[string, OwnKey]>([
  ['before the CA has signed', { ...toSign, before: A }],
  ['with another certificate', own({ thumbprint: B, key: 'K', before: A })],
])(
  'a revoked key %s: nothing is signed, and the hub rejects every certificate of the key',
  async (_, key) => {
    const { work, calls } = ownWork(key, {
      ...{ hub: [A, A], observed: { thumbprint: A, hub: [A, A], hubEtag: 'e0' } },
      desired: { revokedKeys: ['K'], revoke: [A] },
    });
    await expect(reconcile(work)).rejects.toMatchObject({ code: 'certificate-revoked' });
    expect(calls).toEqual(['find', 'hub remove']);
  },
);

test('the way back to an issued key leaves no issuer', async () => {
  const { work } = fakeWork({
    desired: { service: 'main' },
    ...{ device: empty, scopes: ['main'], hub: [A, A] },
    observed: { thumbprint: A, hub: [A, A], hubEtag: 'e0', issuer: 'ca', ownKeys: { [A]: 'K' } },
  });
  await reconcile(work);
  expect(work.observed).toMatchObject({ issuer: undefined, ownKeys: { [A]: 'K' } });
});
