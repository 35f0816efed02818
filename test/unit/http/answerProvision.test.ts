import { readCsr } from '../../../src/certificates/csr.js';
import { minter } from '../../../src/certificates/mint.js';
import { BadRequest, Unauthorized } from '../../../src/http/errors.js';
import { answerProvision } from '../../../src/http/provision/handle.js';
import type { RateLimiter } from '../../../src/throttling/rateLimiter.js';
import { acceptDependencies } from '../../support/acceptTools.js';
import { csrOf } from '../../support/csrs.js';
import { now, uuid } from '../../support/records.js';
import { requestWith } from '../../support/request.js';

const { certificate, thumbprint } = await minter({ days: 100 })(uuid, now);

/** Answers a request. The proof is wrong unless the header is "good", and only necessary if the product demands the proof. */
async function answer(body: object, authorization?: string, days = 365, ca: object | null = {}) {
  const demanded: string[] = [];
  const { deps, record } = acceptDependencies(now);
  const rateLimiter = { nextFree: async () => now } as unknown as RateLimiter;
  const request = requestWith({
    body: JSON.stringify(body),
    ...(authorization !== undefined && { headers: { authorization } }),
  });
  const outcome = await answerProvision(
    {
      ...deps,
      rateLimiter,
      async proof(_, sent, need) {
        if (need) demanded.push(need);
        if (sent === 'good') return true;
        if (need) throw new Unauthorized('provision.proof-missing', 'No.');
        return false;
      },
      config: { defaultService: '', certificate: { days }, renewAt: 0.8, ca },
      ca: { chainOf: () => null },
    },
    request,
  ).catch((error: unknown) => {
    if (error instanceof BadRequest || error instanceof Unauthorized) return error;
    throw error;
  });
  return { outcome, demanded, record };
}

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
  const { outcome, demanded } = await answer({ uuid, ...body }, 'good', days);
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
  const { outcome } = await answer({ uuid, csr }, 'good', 365, null);
  const message = expect.stringMatching(/CA_CERTIFICATE and CA_KEY_VAULT_KEY.*"certificate" works/);
  expect(outcome).toMatchObject({ status: 422, code: 'provision.request.csr-not-offered', message });
});
