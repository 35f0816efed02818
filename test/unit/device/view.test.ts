import { viewOf } from '../../../src/device/view.js';
import {
  failed,
  now,
  provisioned,
  queued,
  recordWith,
  requestId,
  thumbprint,
  uuid,
} from '../../support/records.js';

const expectedAt = now + 7_000;

test('a request that is under way says when it is expected to be done', () => {
  expect(viewOf(queued, expectedAt, now)).toEqual({
    uuid,
    service: 'main',
    key: 'issued',
    hubHost: null,
    issuedUntil: null,
    operation: 'provision',
    state: 'queued',
    requestId,
    step: null,
    attempts: 0,
    expectedAt: '2030-01-01T00:00:07.000Z',
    error: null,
    refusal: null,
    certificate: null,
    requestedAt: '2029-12-31T23:59:55.000Z',
    updatedAt: '2030-01-01T00:00:00.000Z',
  });
});

test('a device that is provisioned shows what its certificate is, and nothing is expected', () => {
  expect(viewOf(provisioned, expectedAt, now)).toMatchObject({
    state: 'provisioned',
    expectedAt: null,
    certificate: {
      thumbprint,
      notBefore: '2029-12-31T23:55:00.000Z',
      notAfter: '2030-01-02T00:00:00.000Z',
      keyAlgorithm: 'ec-p256',
      ...{ issuer: 'self', pem: null, chain: null },
    },
  });
});

test('a check that is under way is no request', () => {
  const checked = { ...provisioned, check: { generation: 2, due: now } };
  expect(viewOf(checked, expectedAt, now)).toMatchObject({ state: 'provisioned', expectedAt: null });
});

test('a request that failed shows the error and its step, and nothing is expected', () => {
  expect(viewOf(failed, expectedAt, now)).toMatchObject({
    state: 'failed',
    step: 'validate',
    expectedAt: null,
    error: { code: 'device-not-found', step: 'validate', message: 'balena knows no such device.' },
  });
});

test('the operation is what was asked for', () => {
  const { desired } = queued;
  const absent = recordWith({ desired: { ...desired, present: false, service: null } });
  expect(viewOf(absent, null, now)).toMatchObject({ operation: 'deprovision', service: null });
  const rotated = recordWith({ desired: { ...desired, retire: [thumbprint] } });
  expect(viewOf(rotated, null, now)).toMatchObject({ operation: 'rotate', service: 'main' });
});

test('of the record nothing else is shown', () => {
  const stamped = {
    ...provisioned,
    stamp: 'internal',
    lease: { by: 'internal', until: 0, generation: 0, lateUntil: 0 },
    scopes: ['internal'],
  };
  expect(JSON.stringify(viewOf(stamped, null, now))).not.toContain('internal');
});

test('a certificate of the CA is shown with its text, once the hub accepts the certificate', () => {
  const { observed, desired } = provisioned;
  const key = { key: 'K', keyAlgorithm: 'ec-p256', before: null };
  const own = { ...key, thumbprint, notBefore: now, notAfter: now + 1, certificate: 'A'.repeat(65) };
  const done = {
    ...provisioned,
    desired: { ...desired, service: null, own },
    observed: { ...observed, service: null, issuer: 'ca' as const },
  };
  const pem = `-----BEGIN CERTIFICATE-----\n${'A'.repeat(64)}\nA\n-----END CERTIFICATE-----\n`;
  const chainOf = (certificate: string) => `chain of ${certificate.length}`;
  expect(viewOf(done, null, now, chainOf).certificate).toMatchObject({
    issuer: 'ca',
    pem,
    chain: 'chain of 65',
  });
  expect(viewOf(done, null, now).certificate).toMatchObject({ pem, chain: null });
  // While the key is renewed, the hub accepts the certificate before, and the record has no text of it.
  const renewing = { ...done.desired, own: { ...key, thumbprint: null, publicKey: 'spki' } };
  expect(viewOf({ ...done, desired: renewing }, null, now, chainOf).certificate).toMatchObject({
    ...{ issuer: 'ca', pem: null, chain: null },
  });
});
