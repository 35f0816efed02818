import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import pLimit from 'p-limit';

/** A key and its certificate, as they are stored, and what the certificate says. */
export interface Credentials {
  /** SHA-256, upper-case hex. */
  thumbprint: string;
  /** Unix ms. */
  notBefore: number;
  /** Unix ms. */
  notAfter: number;
  keyAlgorithm: string;
  /** Base64 of the PEM: balena allows no line breaks in a variable. */
  certificate: string;
  /** Base64 of the PEM. Goes into balena's variable and nowhere else. */
  privateKey: string;
}

export type CertificateKey = 'ec-p256' | 'rsa-2048';

export interface MintOptions {
  key?: CertificateKey;
  /** The certificate's life. */
  days?: number;
}

/** Makes a key and a self-signed certificate `CN={uuid}` for it. */
export type Mint = (uuid: string, now: number) => Promise<Credentials>;

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
/** With 20 in flight the event loop was blocked for 18 to 32 ms, with 2 to 4 for 4 to 9 ms, at the same rate. */
const mostAtATime = 4;
/** For devices whose clock is behind. */
const backdatedMs = 5 * minutes;

/**
 * @param key `ec-p256`, or `rsa-2048` (fifty times slower) for old clients
 * @param days 365
 */
export function minter({ key = 'ec-p256', days = 365 }: MintOptions = {}): Mint {
  const limit = pLimit(mostAtATime);
  return (uuid, now) => limit(() => mint(uuid, now, key, days));
}

async function mint(uuid: string, now: number, key: CertificateKey, days: number): Promise<Credentials> {
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

/** SHA-256 of the certificate in upper-case hex, as IoT Hub takes it. */
export function thumbprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '');
}

function base64(text: string): string {
  return Buffer.from(`${text.trimEnd()}\n`).toString('base64');
}
