import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

/** A server certificate for `localhost` and `127.0.0.1`, and the file for the clients' trust. */
export interface LocalCertificate {
  /** PEM */
  key: string;
  /** PEM */
  cert: string;
  /** Path of the certificate, for `ca` options and `NODE_EXTRA_CA_CERTS`. */
  caFile: string;
}

const days = 24 * 60 * 60 * 1000;
const validFor = 365 * days;

/**
 * Returns the self-signed certificate of a folder. The first call makes the certificate and later calls return the
 * same one: clients that trust the file keep working across restarts. A certificate with less than a day to live is
 * replaced.
 */
export async function localCertificate(folder: string): Promise<LocalCertificate> {
  const caFile = join(folder, 'localhost.pem');
  const keyFile = join(folder, 'localhost.key');
  try {
    const [key, cert] = await Promise.all([readFile(keyFile, 'utf8'), readFile(caFile, 'utf8')]);
    if (new x509.X509Certificate(cert).notAfter.getTime() > Date.now() + days) return { key, cert, caFile };
  } catch {
    // The files do not exist yet.
  }
  await mkdir(folder, { recursive: true });
  const { key, cert } = await make();
  await writeWhole(keyFile, key, 0o600);
  await writeWhole(caFile, cert, 0o644);
  return { key, cert, caFile };
}

async function make() {
  const alg = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(alg, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // A subject of its own: of several trusted certificates with the same subject, OpenSSL examines only the first.
    name: `CN=localhost, O=${randomUUID()}`,
    keys,
    signingAlgorithm: alg,
    notBefore: new Date(Date.now() - days),
    notAfter: new Date(Date.now() + validFor),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  });
  const der = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  const key = x509.PemConverter.encode(der, 'PRIVATE KEY');
  return { key, cert: certificate.toString('pem') };
}

/** Writes a file in one step: a killed process never leaves half a file behind. */
async function writeWhole(file: string, text: string, mode: number) {
  await writeFile(`${file}.new`, text, { mode });
  await rename(`${file}.new`, file);
}
