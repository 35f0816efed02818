import { X509Certificate } from 'node:crypto';
import pLimit from 'p-limit';
import type { EpochMs } from '../shared/time.js';

/** A private key and its certificate in their stored form, with the certificate's data. */
export interface Credentials {
  /** SHA-256, upper-case hex. */
  thumbprint: string;
  notBefore: EpochMs;
  notAfter: EpochMs;
  keyAlgorithm: string;
  /** Base64 of the PEM: balena allows no line breaks in a variable. */
  certificate: string;
  /** Base64 of the PEM. The private key is only ever stored in balena's variable. */
  privateKey: string;
}

/** The kind of a key. */
export type CertificateKey = 'ec-p256' | 'rsa-2048';

/** The options of new certificates. */
export interface MintOptions {
  key?: CertificateKey;
  /** The lifetime of the certificate in days. */
  days?: number;
}

/** Makes a key and a self-signed certificate `CN={uuid}` for the key. */
export type Mint = (uuid: string, now: EpochMs) => Promise<Credentials>;

const algorithms = {
  'ec-p256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'rsa-2048': {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: 2048,
  },
} as const;

const minutes = 60_000;
const dayMs = 24 * 60 * minutes;
/** 20 concurrent mints blocked the event loop for 18 to 32 ms, and 2 to 4 for 4 to 9 ms. The rate was the same. */
const mostAtATime = 4;
/** Certificates are backdated for devices with a slow clock. */
export const backdatedMs = 5 * minutes;

/**
 * Makes a `Mint` that makes a limited number of certificates at a time.
 *
 * @param key `ec-p256`, or `rsa-2048` (fifty times slower) for old clients
 * @param days the lifetime of the certificates in days
 */
export function minter({ key = 'ec-p256', days = 365 }: MintOptions = {}): Mint {
  const limit = pLimit(mostAtATime);
  return (uuid, now) => limit(() => mint(uuid, now, key, days));
}

async function mint(uuid: string, now: EpochMs, key: CertificateKey, days: number): Promise<Credentials> {
  const x509 = await import('./x509.js');
  const algorithm = algorithms[key];
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${uuid}`,
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(now - backdatedMs),
    notAfter: new Date(now + days * dayMs),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
    ],
  });
  const privateKey = x509.PemConverter.encode(
    await crypto.subtle.exportKey('pkcs8', keys.privateKey),
    'PRIVATE KEY',
  );
  return {
    thumbprint: thumbprintOf(new X509Certificate(Buffer.from(certificate.rawData))),
    notBefore: certificate.notBefore.getTime(),
    notAfter: certificate.notAfter.getTime(),
    keyAlgorithm: key,
    certificate: base64(certificate.toString('pem')),
    privateKey: base64(privateKey),
  };
}

/** The SHA-256 of the certificate in upper-case hex, the form that IoT Hub takes. */
export function thumbprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '');
}

function base64(text: string): string {
  return Buffer.from(`${text.trimEnd()}\n`).toString('base64');
}
