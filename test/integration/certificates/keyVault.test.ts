import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createDefaultHttpClient, type HttpClient } from '@azure/core-rest-pipeline';
import { type KeyVault, startKeyVault } from '../../../local/simulators/keyvault/startKeyVault.js';
import { makeCa } from '../../../local/stack/localCa.js';
import { openCa } from '../../../src/certificates/ca/ca.js';
import { type KeyVaultKeyOptions, openKeyVaultKey } from '../../../src/certificates/ca/keyVaultKey.js';
import { makeCaCertificate } from '../../../src/certificates/ca/makeCaCertificate.js';
import { readCsr } from '../../../src/certificates/csr.js';
import { readCaCertificates } from '../../../src/shared/caCertificates.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { algorithms, csrOf } from '../../support/csrs.js';
import { handClock } from '../../support/handClock.js';

/* The product's CA with the real SDK of Key Vault. Only the transport is different: the host name of the vault leads to the simulator. */

const uuid = 'ab'.repeat(16);
const own = await readCsr(await csrOf(uuid), uuid);
const version = '0123456789abcdef0123456789abcdef';
const token = 'a token';
const vaults: KeyVault[] = [];
afterAll(() => Promise.all(vaults.map((vault) => vault.close())));

/** Sends the requests to the simulator. The SDK sees the host name of the vault, and checks the challenge against it. */
function transportTo(url: string): HttpClient {
  const real = createDefaultHttpClient();
  return {
    async sendRequest(request) {
      const { href, pathname, search } = new URL(request.url);
      Object.assign(request, { url: `${url}${pathname}${search}`, allowInsecureConnection: true });
      try {
        return await real.sendRequest(request);
      } finally {
        request.url = href;
      }
    },
  };
}

interface Options {
  algorithm?: Parameters<typeof makeCa>[2];
  host?: string;
  keyId?: string;
  getToken?: () => Promise<{ token: string; expiresOnTimestamp: number }>;
}

async function system(options: Options = {}) {
  const pem = await makeCa('CN=Vault CA', undefined, options.algorithm);
  const certificates = readCaCertificates(pem);
  if (typeof certificates === 'string') throw new Error(certificates);
  const vault = await startKeyVault({ key: createPrivateKey(pem), name: 'ca', version, token });
  vaults.push(vault);
  const scopes: unknown[] = [];
  const access: KeyVaultKeyOptions = {
    keyId: options.keyId ?? `https://${options.host ?? 'mine.vault.azure.net'}/keys/ca/${version}`,
    credential: {
      async getToken(scope) {
        scopes.push(scope);
        return options.getToken?.() ?? { token, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    },
    httpClient: transportTo(vault.url),
  };
  const key = openKeyVaultKey(access);
  const clock = handClock(Date.now());
  const ca = openCa(certificates, key, { days: 30, clock });
  const sign = (ms = 5_000) => ca.sign(uuid, own, ms);
  const fails = async (ms?: number): Promise<ProvisioningError> => {
    const outcome = await sign(ms).catch((error: unknown) => ProvisioningError.from(error));
    if (!(outcome instanceof ProvisioningError)) throw new Error('the signature did not fail');
    // The pause after the failure ends.
    clock.at += 60_000;
    return outcome;
  };
  const requests = () =>
    vault.control.requests.summary().requests.map(({ method, path }) => `${method} ${path}`);
  return { vault, access, sign, fails, requests, scopes, signer: certificates.signer };
}

const p384 = algorithms.p384;
const rsa = algorithms.rsa(2_048);
test.each([
  ['EC P-256', undefined],
  ['EC P-384', p384],
  ['RSA', rsa],
])('a CA with a key of %s in Key Vault signs, with one request for each signature', async (_, algorithm) => {
  const { sign, signer, requests, scopes } = await system({ algorithm });
  const { certificate } = await sign();
  const read = new X509Certificate(Buffer.from(certificate ?? '', 'base64'));
  expect(read.checkIssued(signer) && read.verify(signer.publicKey)).toBe(true);
  const [get, post] = [`GET /keys/ca/${version}`, `POST /keys/ca/${version}/sign`];
  // The first request has no token, and learns from the challenge for whom the token is.
  expect(requests()).toEqual([get, get, post]);
  expect(scopes).toContainEqual(['https://vault.azure.net/.default']);
  await Promise.all([sign(), sign()]);
  expect(requests().slice(3)).toEqual([post, post]);
});

test.each([
  ['EC P-256', undefined],
  ['RSA', rsa],
])('a certificate of a CA is made for a key of %s', async (_, algorithm) => {
  const { access, signer } = await system({ algorithm });
  const options = { subject: 'CN=Acme device CA', days: 3_650, now: Date.now() };
  const made = readCaCertificates(await makeCaCertificate(access, options));
  if (typeof made === 'string') throw new Error(made);
  const spki = { type: 'spki', format: 'der' } as const;
  expect(made.signer.publicKey.export(spki)).toEqual(signer.publicKey.export(spki));
  expect(made.signer).toMatchObject({ subject: 'CN=Acme device CA', ca: true });
  expect(made.signer.verify(made.signer.publicKey)).toBe(true);
});

test('a caller that may sign and not read signs', async () => {
  const { vault, sign } = await system();
  vault.access.rights = 'no-get';
  expect(await sign()).toMatchObject({ key: own.key });
});

test.each<[KeyVault['access']['rights']]>([['none'], ['disabled']])('rights: %s', async (rights) => {
  const { vault, fails, sign } = await system();
  vault.access.rights = rights;
  expect((await fails()).code).toBe('ca-unauthorized');
  vault.access.rights = 'all';
  expect(await sign()).toMatchObject({ key: own.key });
});

const fault = (answer: object) => ({ method: 'POST', path: '/sign', ...answer });
const error = (code: string) => ({ error: { code, message: 'No.' } });
test.each<[string, object, string, number | null]>([
  [
    '429 with Retry-After',
    { status: 429, headers: { 'retry-after': '7' }, body: error('Throttled') },
    'ca-throttled',
    7_000,
  ],
  ['429 without Retry-After', { status: 429, body: error('Throttled') }, 'ca-throttled', 10_000],
  ['500', { status: 500, body: error('InternalServerError') }, 'ca-unavailable', null],
  ['a gateway with 403', { status: 403, gateway: true }, 'ca-unavailable', null],
  ['a gateway with 503', { status: 503, gateway: true }, 'ca-unavailable', null],
  ['a reset connection', { reset: true }, 'ca-unavailable', null],
  ['half an answer', { halfAnswer: true }, 'ca-unavailable', null],
])('%s is no failure of the device, and is tried again', async (_, answer, code, retryAfterMs) => {
  const { vault, fails, sign, requests } = await system();
  await sign();
  vault.control.faults.add([{ times: 1, ...fault(answer) } as never]);
  const before = requests().length;
  const failed = await fails();
  expect(failed).toMatchObject({ code, retryAfterMs, outcomeUnknown: false, step: 'sign' });
  expect(failed.policy).toMatchObject({ isFinal: false, countsAsAttempt: 'never', opensCircuit: 'never' });
  // The SDK repeats nothing by itself.
  expect(requests().length - before).toBe(1);
  expect(await sign()).toMatchObject({ key: own.key });
});

test('no answer before the deadline', async () => {
  const { vault, fails, sign } = await system();
  await sign();
  vault.control.faults.add([{ times: 1, ...fault({ hang: true }) } as never]);
  expect((await fails(50)).code).toBe('ca-unavailable');
  expect(await sign()).toMatchObject({ key: own.key });
});

test.each<[string, Options, string]>([
  ['another key', { keyId: `https://mine.vault.azure.net/keys/other/${version}` }, 'ca-unusable'],
  ['a host that is no vault', { host: 'vault.example.org' }, 'ca-unusable'],
  [
    'a token of another tenant',
    { getToken: async () => ({ token: 'x', expiresOnTimestamp: Date.now() + 1e7 }) },
    'ca-unauthorized',
  ],
  [
    'no token',
    {
      getToken: async () => {
        throw Object.assign(new Error('secret'), { name: 'CredentialUnavailableError' });
      },
    },
    'ca-unauthorized',
  ],
])('%s', async (_, options, code) => {
  const { fails } = await system(options);
  const failed = await fails();
  expect(failed.code).toBe(code);
  expect(JSON.stringify({ ...failed, message: failed.message })).not.toContain('secret');
});
