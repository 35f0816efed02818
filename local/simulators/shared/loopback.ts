import { randomInt, randomUUID } from 'node:crypto';
import { type AddressInfo, createServer, type Server } from 'node:net';
import 'reflect-metadata';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

/**
 * Listens on loopback only.
 *
 * @param port the usual port; 0 for any free port
 * @param orFree take a free port instead of failing when the usual port is in use
 * @returns the port number
 * @throws Error naming the port, if the port is in use
 */
export async function listen(server: Server, port: number, orFree = false): Promise<number> {
  try {
    await attempt(server, port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (!orFree) {
      throw new Error(`port ${port} is in use by another program: stop that, or choose another port`);
    }
    await attempt(server, 0);
  }
  return (server.address() as AddressInfo).port;
}

function attempt(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/**
 * Finds a port that is free now and stays free until a later listen, even across restarts of the listener. The port is
 * below the range from which Linux takes the ports of outgoing connections. A port inside the range could be taken by
 * an outgoing connection during a restart.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const probe = createServer();
    try {
      return await listen(probe, randomInt(20_000, 32_000));
    } catch {
      // The port is in use: try another port.
    } finally {
      await new Promise((resolve) => probe.close(resolve));
    }
  }
  throw new Error('no free port was found from 20000 to 32000');
}

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

/** Writes a file in one step: readers never see half a file, and a killed process never leaves half a file behind. */
export async function writeWhole(file: string, text: string, mode: number) {
  await writeFile(`${file}.new`, text, { mode });
  await rename(`${file}.new`, file);
}
