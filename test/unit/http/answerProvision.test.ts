import { readCsr } from '../../../src/certificates/csr.js';
import { minter } from '../../../src/certificates/mint.js';
import { BadRequest, Unauthorized } from '../../../src/http/errors.js';
import { answerProvision } from '../../../src/http/provision/handle.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import type { RateLimiter } from '../../../src/throttling/rateLimiter.js';
import { acceptDependencies } from '../../support/acceptTools.js';
import { csrOf } from '../../support/csrs.js';
import { now, provisioned, uuid } from '../../support/records.js';
import { requestWith } from '../../support/request.js';

const { certificate, thumbprint } = await minter({ days: 100 })(uuid, now);

/** Answers a request. The proof is wrong unless the header is "good", and only necessary if the product demands the proof. */
async function answer(
  body: object,
  authorization?: string,
  { days = 365, newestInMs = 0, ca = {} as object | null, system = acceptDependencies(now) } = {},
) {
  const demanded: string[] = [];
  const { deps, record, sent } = system;
  const rateLimiter = { nextFree: async () => now } as unknown as RateLimiter;
  const request = requestWith({
    body: JSON.stringify(body),
    ...(authorization !== undefined && { headers: { authorization } }),
  });
  const outcome = await answerProvision(
    {
      ...deps,
      rateLimiter,
      balenaLimit: { nextFree: async () => now + newestInMs },
      async proof(_, sent, need) {
        if (need) demanded.push(need);
        if (sent === 'good') return true;
        if (need) throw new Unauthorized('provision.proof-missing', 'No.');
        return false;
      },
      config: { defaultService: '', certificate: { days }, renewAt: 0.8, ca },
      ca: { chainOf: () => null },
      limit: { run: (work) => work(), outside: (work) => work() },
    },
    request,
  ).catch((error: unknown) => {
    if (error instanceof BadRequest || error instanceof Unauthorized) return error;
    if (error instanceof ProvisioningError) return error;
    throw error;
  });
  return { outcome, demanded, record, sent };
}

describe('while the look-up of a new device is more than an hour away', () => {
  const full = { newestInMs: 3_600_001 };

  test('no device that was never seen is accepted: invented UUIDs fill neither the queue nor the tables', async () => {
    const { outcome, sent } = await answer({ uuid }, undefined, full);
    expect(outcome).toMatchObject({ code: 'balena-throttled', retryAfterMs: 60_000 });
    expect(sent).toEqual([]);
    expect((await answer({ uuid }, undefined, { newestInMs: 3_600_000 })).outcome).toMatchObject({
      status: 202,
    });
  });

  test('a device with a record is accepted, and so is a device that proves its identity', async () => {
    const system = acceptDependencies(now);
    await system.put(provisioned);
    expect(
      (await answer({ uuid, balena_service: 'x' }, undefined, { ...full, system })).outcome,
    ).toMatchObject({
      status: 202,
    });
    expect((await answer({ uuid }, 'good', full)).outcome).toMatchObject({ status: 202 });
  });
});

test('an own certificate needs the proof, whatever the mode', async () => {
  const { outcome, record } = await answer({ uuid, certificate, uses: thumbprint }, 'good');
  expect(outcome).toMatchObject({ status: 202 });
  expect((await record(uuid)).desired).toMatchObject({ service: null, own: { thumbprint, before: null } });
  expect((await answer({ uuid, certificate })).outcome).toMatchObject({ code: 'provision.proof-missing' });
  expect((await answer({ uuid })).demanded).toEqual([]);
});

test.each<[object, object, number?]>([
  [{ certificate: 'x' }, { status: 400, code: 'provision.request.bad-certificate' }],
  [{ certificate: 5 }, { status: 400, code: 'provision.request.bad-certificate' }],
  [{ certificate: 'x'.repeat(13_000) }, { status: 400, code: 'provision.request.certificate-too-large' }],
  [
    { certificate: '-----BEGIN EC PRIVATE KEY-----' },
    { status: 400, code: 'provision.request.certificate-with-key' },
  ],
  [{ certificate }, { status: 422, code: 'provision.request.certificate-too-long' }, 50],
  [
    { certificate, balena_service: 'main' },
    { status: 400, code: 'provision.request.bad-body' },
  ],
  [
    { certificate, uses: 'x' },
    { status: 400, code: 'provision.request.bad-uses' },
  ],
  [{ uses: thumbprint }, { status: 400, code: 'provision.request.bad-uses' }],
])('%j is refused before anything else happens', async (body, expected, days = 365) => {
  const { outcome, demanded } = await answer({ uuid, ...body }, 'good', { days });
  expect(outcome).toMatchObject(expected);
  expect(demanded).toEqual([]);
});

const csr = await csrOf(uuid);

test('a certificate request needs the proof, and the record keeps the public key alone', async () => {
  const { outcome, record } = await answer({ uuid, csr, uses: thumbprint }, 'good');
  expect(outcome).toMatchObject({ status: 202 });
  const { own } = (await record(uuid)).desired;
  const { key, publicKey } = await readCsr(csr, uuid);
  expect(own).toEqual({ thumbprint: null, key, keyAlgorithm: 'ec-p256', publicKey, before: null });
  expect((await answer({ uuid, csr })).outcome).toMatchObject({ code: 'provision.proof-missing' });
});

test.each<[object, object]>([
  [{ csr: 'x' }, { status: 400, code: 'provision.request.bad-csr' }],
  [{ csr: 5 }, { status: 400, code: 'provision.request.bad-csr' }],
  [{ csr: 'x'.repeat(13_000) }, { status: 400, code: 'provision.request.csr-too-large' }],
  [{ csr: '-----BEGIN EC PRIVATE KEY-----' }, { status: 400, code: 'provision.request.csr-with-key' }],
  [
    { csr, certificate },
    { status: 400, code: 'provision.request.bad-body' },
  ],
  [
    { csr, balena_service: 'main' },
    { status: 400, code: 'provision.request.bad-body' },
  ],
  [
    { csr: await csrOf(uuid, { subject: 'CN=another' }) },
    { status: 422, code: 'provision.request.csr-wrong-subject' },
  ],
])('a certificate request that is refused (%#)', async (body, expected) => {
  expect((await answer({ uuid, ...body }, 'good')).outcome).toMatchObject(expected);
});

test('without a CA a certificate request is refused, and the answer names the settings', async () => {
  const { outcome } = await answer({ uuid, csr }, 'good', { ca: null });
  const message = expect.stringMatching(/CA_CERTIFICATE and CA_KEY_VAULT_KEY.*"certificate" works/);
  expect(outcome).toMatchObject({ status: 422, code: 'provision.request.csr-not-offered', message });
});
