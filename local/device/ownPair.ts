import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { minter, thumbprintOf } from '../../src/certificates/mint.js';

/** A key of a simulated device, made by the device, and the certificate of the key. */
export interface OwnPair {
  /** PEM */
  cert: string;
  /** PEM */
  key: string;
  thumbprint: string;
}

/** The key store of one simulated device: two files, of which only the device's program reads the content. */
export interface OwnPairs {
  /** The file with the key and the certificate that the device uses. */
  file: string;
  /** The pair of the last connection; null before the first connection. */
  used(): Promise<OwnPair | null>;
  /** A new pair, before its first connection; null if there is none. */
  next(): Promise<OwnPair | null>;
  /** Makes a new pair, the next one. */
  make(): Promise<OwnPair>;
  /** The device has connected with the next pair: from now on, the device uses this pair. */
  switchToNext(): Promise<void>;
}

/**
 * @param folder private to the user of this machine
 * @param days the lifetime of new certificates in days
 */
export function ownPairs(folder: string, uuid: string, days: number): OwnPairs {
  const [file, nextFile] = [join(folder, `${uuid}.pem`), join(folder, `${uuid}.next.pem`)];
  return {
    file,
    used: () => read(file),
    next: () => read(nextFile),
    async make() {
      const minted = await minter({ days })(uuid, Date.now());
      const [key, cert] = [minted.privateKey, minted.certificate].map((text) =>
        Buffer.from(text, 'base64').toString(),
      ) as [string, string];
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // An existing file would keep its rights. A new file has the rights 0600 from its first byte.
      await rm(`${nextFile}.new`, { force: true });
      await writeFile(`${nextFile}.new`, key + cert, { mode: 0o600 });
      await rename(`${nextFile}.new`, nextFile);
      return { key, cert, thumbprint: minted.thumbprint };
    },
    switchToNext: () => rename(nextFile, file),
  };
}

/** @returns null if there is no file, or no valid pair in the file */
async function read(file: string): Promise<OwnPair | null> {
  const pem = await readFile(file, 'utf8').catch(() => '');
  const [cert = ''] = /-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----\n/s.exec(pem) ?? [];
  const key = pem.replace(cert, '');
  try {
    const certificate = new X509Certificate(cert);
    const isValid =
      certificate.checkPrivateKey(createPrivateKey(key)) && certificate.validToDate.getTime() > Date.now();
    return isValid ? { cert, key, thumbprint: thumbprintOf(certificate) } : null;
  } catch {
    return null;
  }
}
