import 'reflect-metadata';
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type CertificateKey, minter } from '../../../src/certificates/mint.js';
import { day, now, uuid } from '../../support/stepFakes.js';

const pem = (base64: string) => Buffer.from(base64, 'base64').toString();

describe.each<[CertificateKey, object]>([
  ['ec-p256', { asymmetricKeyType: 'ec', asymmetricKeyDetails: { namedCurve: 'prime256v1' } }],
  ['rsa-2048', { asymmetricKeyType: 'rsa', asymmetricKeyDetails: { modulusLength: 2048 } }],
])('%s', (key, expected) => {
  const minted = minter({ key, days: 30 })(uuid, now);

  test('the certificate is made out to the device, by itself, for its key', async () => {
    const { certificate, privateKey, keyAlgorithm } = await minted;
    const parsed = new X509Certificate(pem(certificate));
    expect([parsed.subject, parsed.issuer]).toEqual([`CN=${uuid}`, `CN=${uuid}`]);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(parsed.checkPrivateKey(createPrivateKey(pem(privateKey)))).toBe(true);
    expect(parsed.publicKey).toMatchObject(expected);
    expect(keyAlgorithm).toBe(key);
  });

  test('it is for signatures and for clients, and is no CA', async () => {
    const parsed = new X509Certificate(pem((await minted).certificate));
    expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(parsed.ca).toBe(false);
    const usages = new x509.X509Certificate(parsed.raw).getExtension(x509.KeyUsagesExtension);
    expect(usages).toMatchObject({ usages: x509.KeyUsageFlags.digitalSignature, critical: true });
  });

  test('it is valid from five minutes ago, for as many days as it should be', async () => {
    const { certificate, notBefore, notAfter } = await minted;
    const parsed = new X509Certificate(pem(certificate));
    expect([notBefore, notAfter]).toEqual([now - 300_000, now + 30 * day]);
    expect([parsed.validFromDate.getTime(), parsed.validToDate.getTime()]).toEqual([notBefore, notAfter]);
  });

  test('its thumbprint is the SHA-256 of its DER form, in upper-case hex', async () => {
    const { certificate, thumbprint } = await minted;
    const { raw } = new X509Certificate(pem(certificate));
    expect(thumbprint).toBe(createHash('sha256').update(raw).digest('hex').toUpperCase());
  });

  test('both are PEM in base64, without a line break', async () => {
    const { certificate, privateKey } = await minted;
    expect(certificate + privateKey).toMatch(/^[A-Za-z0-9+/=]+$/);
    expect(pem(certificate)).toMatch(/^-----BEGIN CERTIFICATE-----\n[\s\S]+\n-----END CERTIFICATE-----\n$/);
    expect(pem(privateKey)).toMatch(/^-----BEGIN PRIVATE KEY-----\n[\s\S]+\n-----END PRIVATE KEY-----\n$/);
  });
});

test('by default it is a P-256 key for a year', async () => {
  const { keyAlgorithm, notAfter } = await minter()(uuid, now);
  expect([keyAlgorithm, notAfter]).toEqual(['ec-p256', now + 365 * day]);
});

test('no two are the same', async () => {
  const mint = minter();
  const [one, other] = await Promise.all([mint(uuid, now), mint(uuid, now)]);
  const serial = (certificate: string) => new X509Certificate(pem(certificate)).serialNumber;
  expect(one.privateKey).not.toBe(other.privateKey);
  expect(serial(one.certificate)).not.toBe(serial(other.certificate));
});

test('at most four are made at a time', async () => {
  const { subtle } = crypto;
  const generate = subtle.generateKey.bind(subtle);
  let underWay = 0;
  let most = 0;
  const counting = async (...args: Parameters<typeof generate>) => {
    underWay += 1;
    most = Math.max(most, underWay);
    const keys = await generate(...args);
    underWay -= 1;
    return keys;
  };
  Object.defineProperty(subtle, 'generateKey', { value: counting, configurable: true });
  const mint = minter();
  await Promise.all(Array.from({ length: 20 }, () => mint(uuid, now)));
  Reflect.deleteProperty(subtle, 'generateKey');
  expect(most).toBe(4);
});
