import { webcrypto } from 'node:crypto';
import 'reflect-metadata';
import { type Extension, Pkcs10CertificateRequestGenerator } from '@peculiar/x509';

/** The algorithms of the keys. */
export const algorithms = {
  p256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  p384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  p521: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  rsa: (modulusLength: number, hash = 'SHA-256') => ({
    ...{ name: 'RSASSA-PKCS1-v1_5', hash, modulusLength },
    publicExponent: new Uint8Array([1, 0, 1]),
  }),
};
export type Algorithm = (typeof algorithms)['p256'] | ReturnType<(typeof algorithms)['rsa']>;

/** Makes a key for requests. */
export const newKeys = (algorithm: Algorithm = algorithms.p256) =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;

export interface CsrOptions {
  keys?: CryptoKeyPair;
  algorithm?: Algorithm;
  subject?: string;
  extensions?: Extension[];
}

/** Makes a certificate request. @returns PEM */
export async function csrOf(uuid: string, options: CsrOptions = {}): Promise<string> {
  const { algorithm = algorithms.p256, subject = `CN=${uuid}`, extensions } = options;
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys: options.keys ?? (await newKeys(algorithm)),
    signingAlgorithm: algorithm,
    ...(extensions && { extensions }),
  });
  return `${request.toString('pem')}\n`;
}
