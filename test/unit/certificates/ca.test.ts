import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCa } from '../../../local/stack/localCa.js';
import { openCa } from '../../../src/certificates/ca/ca.js';
import type { CaKey } from '../../../src/certificates/ca/caKey.js';
import { openFileKey } from '../../../src/certificates/ca/fileKey.js';
import { openCaOf } from '../../../src/certificates/ca/openCaOf.js';
import { readCsr } from '../../../src/certificates/csr.js';
import { readOwnCertificate } from '../../../src/certificates/own.js';
import { openCaCheck } from '../../../src/health/checkCa.js';
import { type CaCertificates, readCaCertificates } from '../../../src/shared/caCertificates.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { algorithms, csrOf } from '../../support/csrs.js';
import { handClock } from '../../support/handClock.js';

const uuid = 'ab'.repeat(16);
const day = 86_400_000;
const at = Date.now();
const pem = await makeCa('CN=Test CA, O=Acme');

function certificatesOf(text: string): CaCertificates {
  const read = readCaCertificates(text);
  if (typeof read === 'string') throw new Error(read);
  return read;
}
const clock = { now: () => at, sleep: async () => {} };
const ca = openCa(certificatesOf(pem), openFileKey(pem), { days: 30, clock });
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => ProvisioningError.from(error).code,
  );

test.each([
  ['EC P-256', algorithms.p256],
  ['EC P-384', algorithms.p384],
  ['RSA', algorithms.rsa(2_048)],
])('the CA signs a certificate for a key of %s', async (_, algorithm) => {
  const own = await readCsr(await csrOf(uuid, { algorithm }), uuid);
  const signed = await ca.sign(uuid, own, 1_000);
  const certificate = new X509Certificate(Buffer.from(signed.certificate ?? '', 'base64'));
  const { signer } = certificatesOf(pem);
  expect(certificate.checkIssued(signer) && certificate.verify(signer.publicKey)).toBe(true);
  expect(certificate).toMatchObject({ subject: `CN=${uuid}`, ca: false });
  // CN comes last in node's form of a name.
  expect(certificate.issuer.split('\n').sort()).toEqual(signer.subject.split('\n').sort());
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(certificate.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')).toBe(
    own.publicKey,
  );
  const second = (ms: number) => Math.floor(ms / 1_000) * 1_000;
  expect(signed).toMatchObject({
    ...{ key: own.key, keyAlgorithm: own.keyAlgorithm },
    ...{ notBefore: second(at - 300_000), notAfter: second(at + 30 * day) },
    thumbprint: certificate.fingerprint256.replaceAll(':', ''),
  });
  expect(ca.chainOf(signed.certificate ?? '')).toBe(signer.toString());
});

test('two certificates of one key differ, and the certificate is no self-signed one', async () => {
  const own = await readCsr(await csrOf(uuid), uuid);
  const [one, other] = await Promise.all([ca.sign(uuid, own, 1_000), ca.sign(uuid, own, 1_000)]);
  expect(one.thumbprint).not.toBe(other.thumbprint);
  const text = new X509Certificate(Buffer.from(one.certificate ?? '', 'base64')).toString();
  expect(() => readOwnCertificate(text, { uuid, now: at, days: 365 })).toThrow('not signed with its own key');
});

test('what the request wants beside the key counts for nothing', async () => {
  const { BasicConstraintsExtension } = await import('../../../src/certificates/x509.js');
  const csr = await csrOf(uuid, { extensions: [new BasicConstraintsExtension(true, 5, true)] });
  const signed = await ca.sign(uuid, await readCsr(csr, uuid), 1_000);
  expect(new X509Certificate(Buffer.from(signed.certificate ?? '', 'base64')).ca).toBe(false);
});

test('the certificate of another CA has no chain here', async () => {
  const other = await makeCa('CN=Test CA, O=Acme');
  const own = await readCsr(await csrOf(uuid), uuid);
  const foreign = openCa(certificatesOf(other), openFileKey(other), { days: 30, clock });
  expect(ca.chainOf((await foreign.sign(uuid, own, 1_000)).certificate ?? '')).toBeNull();
});

test('a key that does not belong to the certificate signs nothing', async () => {
  const other = await makeCa('CN=Test CA, O=Acme');
  const wrong = openCa(certificatesOf(pem), openFileKey(other), { days: 30, clock });
  const own = await readCsr(await csrOf(uuid), uuid);
  expect(await codeOf(wrong.sign(uuid, own, 1_000))).toBe('ca-unusable');
});

test('a check tells whether the key belongs to the certificate, at most once an hour', async () => {
  const wrong = openCa(certificatesOf(pem), openFileKey(await makeCa('CN=Test CA')), { days: 30, clock });
  const hand = handClock(at);
  const noted: (string | null)[] = [];
  const status = {
    noteCall: (_: string, error: ProvisioningError | null) => noted.push(error?.code ?? null),
    report: async () => {},
  };
  const checks = [openCaCheck(wrong, { status, clock: hand }), openCaCheck(ca, { status, clock: hand })];
  for (const check of checks) await check();
  expect(noted).toEqual(['ca-unusable', null]);
  for (const check of checks) await check();
  expect(noted).toHaveLength(2);
  hand.at += 3_600_000;
  for (const check of checks) await check();
  expect(noted).toHaveLength(4);
  await openCaCheck(null, { status, clock: hand })();
  expect(noted).toHaveLength(4);
});

test('a certificate ends with the CA at the latest, and the CA signs nothing in its last day', async () => {
  const own = await readCsr(await csrOf(uuid), uuid);
  const endingIn = async (ms: number) => {
    const text = await makeCa('CN=Old CA', new Date(at + ms));
    return openCa(certificatesOf(text), openFileKey(text), { days: 30, clock }).sign(uuid, own, 1_000);
  };
  expect((await endingIn(2 * day)).notAfter).toBeLessThanOrEqual(at + 2 * day);
  expect(await codeOf(endingIn(day - 1_000))).toBe('ca-unusable');
  const early = { now: () => at - day, sleep: async () => {} };
  const notYet = openCa(certificatesOf(pem), openFileKey(pem), { days: 30, clock: early });
  expect(await codeOf(notYet.sign(uuid, own, 1_000))).toBe('ca-unusable');
});

test('the wait for other signatures is part of the time, and a signature whose time is over is not made', async () => {
  const own = await readCsr(await csrOf(uuid), uuid);
  let calls = 0;
  const silent: CaKey = {
    sign: () => {
      calls += 1;
      return new Promise(() => {});
    },
  };
  const slow = openCa(certificatesOf(pem), silent, { days: 30, clock });
  const codes = await Promise.all(Array.from({ length: 16 }, () => codeOf(slow.sign(uuid, own, 50))));
  expect(codes).toEqual(Array(16).fill('ca-unavailable'));
  expect(calls).toBeLessThanOrEqual(8);
});

test('a key for which no certificate can be made keeps no other device waiting', async () => {
  const own = await readCsr(await csrOf(uuid), uuid);
  const opened = openCa(certificatesOf(pem), openFileKey(pem), { days: 30, clock });
  expect(await codeOf(opened.sign(uuid, { ...own, publicKey: 'AAAA' }, 1_000))).toBe('unexpected');
  expect(await codeOf(opened.sign(uuid, own, 1_000))).toBeNull();
});

test('after a failure the key is left alone for a time, then tried by one call, and then used by all', async () => {
  const own = await readCsr(await csrOf(uuid), uuid);
  const hand = handClock(at);
  let isDown = true;
  let calls = 0;
  const file = openFileKey(pem);
  const key: CaKey = {
    async sign(...args) {
      calls += 1;
      if (isDown) throw new ProvisioningError('ca-unavailable', 'No answer.', { step: 'sign' });
      return file.sign(...args);
    },
  };
  const opened = openCa(certificatesOf(pem), key, { days: 30, clock: hand });
  const sign = () => codeOf(opened.sign(uuid, own, 1_000));
  expect(await sign()).toBe('ca-unavailable');
  expect(await Promise.all([sign(), sign()])).toEqual(['ca-unavailable', 'ca-unavailable']);
  expect(calls).toBe(1);
  hand.at += 5_000;
  expect(await Promise.all([sign(), sign()])).toEqual(['ca-unavailable', 'ca-unavailable']);
  expect(calls).toBe(2);
  // The second pause is twice as long.
  hand.at += 9_000;
  expect(await sign()).toBe('ca-unavailable');
  expect(calls).toBe(2);
  hand.at += 1_000;
  isDown = false;
  expect(await sign()).toBeNull();
  expect(await Promise.all([sign(), sign()])).toEqual([null, null]);
  expect(calls).toBe(5);
});

test.each([
  ['no PEM', 'nothing'],
  ['a certificate that is no CA', await notACa()],
  ['a further certificate that has not signed the first', pem + (await makeCa('CN=Other'))],
])('refused as the certificates of a CA: %s', (_, text) => {
  expect(typeof readCaCertificates(text)).toBe('string');
});

async function notACa(): Promise<string> {
  const { minter } = await import('../../../src/certificates/mint.js');
  return (await minter()(uuid, at)).certificate;
}

test('without a CA, and with an unreadable file, a signature fails with the reason', async () => {
  const own = await readCsr(await csrOf(uuid), uuid);
  const file = join(tmpdir(), `no-ca-${process.pid}.pem`);
  const certificate = { days: 30 };
  for (const [config, why] of [
    [null, 'CA_CERTIFICATE'],
    [{ file }, 'CA_FILE'],
  ] as const)
    await expect(openCaOf({ ca: config, certificate }, clock).sign(uuid, own, 1_000)).rejects.toThrow(why);
  await writeFile(file, pem);
  expect(await openCaOf({ ca: { file }, certificate }, clock).sign(uuid, own, 1_000)).toMatchObject({
    key: own.key,
  });
});
