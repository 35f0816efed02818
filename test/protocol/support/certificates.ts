import { createHash } from 'node:crypto';
import { type Credentials, minter } from '../../../src/certificates/mint.js';
import type { KeyToSign, OwnCertificate, PublicKey } from '../../../src/device/record.js';
import { uuids } from './devices.js';

/** More than any history needs for one device. */
const perDevice = 80;
const firstAt = Date.UTC(2026, 0, 1);
const apartMs = 60_000;

const pools = new Map<string, Credentials[]>();
/** For each value of a variable: the device, and the thumbprint of the pair. */
const issued = new Map<string, { uuid: string; thumbprint: string }>();

/** Mints real certificates for all histories, once: the product parses the values in balena. */
export async function fillPools(): Promise<void> {
  const mint = minter({ days: 3_650 });
  for (const uuid of uuids) {
    if (pools.has(uuid)) continue;
    const pool: Credentials[] = [];
    for (let i = 0; i < perDevice; i += 1) pool.push(await mint(uuid, firstAt + i * apartMs));
    for (const { thumbprint, certificate, privateKey } of pool) {
      issued.set(certificate, { uuid, thumbprint });
      issued.set(privateKey, { uuid, thumbprint });
    }
    pools.set(uuid, pool);
  }
}

/** A device's n-th pair. */
export function pairOf(uuid: string, n: number): Credentials {
  const pair = pools.get(uuid)?.[n];
  if (!pair) throw new Error(`more than ${perDevice} pairs were minted for one device`);
  return pair;
}

/** The thumbprint of the pair to which a variable's value belongs; null if the pair is not this device's. */
export function thumbprintOfValue(uuid: string, value: string | undefined): string | null {
  const found = value === undefined ? undefined : issued.get(value);
  return found?.uuid === uuid ? found.thumbprint : null;
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').toUpperCase();

/** Two certificates in a row have the same key. */
const keyOf = (uuid: string, n: number) => hashOf(`key ${uuid} ${Math.floor(n / 2)}`);

/** A device's n-th own certificate, signed by the device. The product knows no more of it than this. */
export function ownCertificateOf(uuid: string, n: number): OwnCertificate {
  return certificateFor({ key: keyOf(uuid, n), keyAlgorithm: 'ec-p256' }, `${uuid} ${n}`);
}

/** The key of a device's n-th certificate request. */
export function keyToSignOf(uuid: string, n: number): KeyToSign {
  return { thumbprint: null, key: keyOf(uuid, n), keyAlgorithm: 'ec-p256', publicKey: '' };
}

/** A certificate of a key. @param name tells the certificate from others of the key */
export function certificateFor({ key, keyAlgorithm }: PublicKey, name: string): OwnCertificate {
  const dates = { notBefore: firstAt, notAfter: firstAt + 3_650 * 86_400_000 };
  return { thumbprint: hashOf(name), ...dates, key, keyAlgorithm };
}
