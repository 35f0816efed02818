import { access } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '../../src/certificates/x509.js';
import { writeWhole } from '../simulators/shared/loopback.js';

/** The algorithm of a CA's key, in the words of WebCrypto. */
export type KeyAlgorithm = EcKeyGenParams | RsaHashedKeyGenParams;

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
/** Longer than the longest CERT_DAYS. */
const lifeMs = 20 * 365 * 86_400_000;

/**
 * The file of the local CA: key and certificate. The file is made once, and only its owner may read it.
 *
 * @param folder of all state
 * @returns the path
 */
export async function localCaFile(folder: string): Promise<string> {
  const file = join(folder, 'ca.pem');
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (!exists) await writeWhole(file, await makeCa('CN=Local CA'), 0o600);
  return file;
}

/** Makes a CA. @returns the PEM of its private key and of its certificate */
export async function makeCa(
  name: string,
  notAfter = new Date(Date.now() + lifeMs),
  algorithm: KeyAlgorithm = p256,
): Promise<string> {
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - 300_000),
    notAfter,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return `${key}\n${certificate.toString('pem')}\n`;
}
