import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { KeyToSign } from '../device/record.js';
import { derOf, type PemFault } from './pem.js';
import { allowedKey } from './publicKey.js';
import { signedBytesOf, strongHashOf } from './signatureAlgorithm.js';

/** The reasons for which a certificate request is refused. The HTTP API has an error code for each. */
export type CsrRefusal = PemFault | 'wrong-subject' | 'wrong-signature' | 'weak-key' | 'weak-signature';

/** A certificate request is refused. */
export class RefusedCsr extends Error {
  /** @param message one sentence, without any part of the request */
  constructor(
    readonly reason: CsrRefusal,
    message: string,
  ) {
    super(message);
    this.name = 'RefusedCsr';
  }
}

/** The record keeps the key and its certificate, so their sizes are bounded. */
const mostRsaBits = 4_096;

/** The parts of a request that count. Requested extensions and attributes are ignored. */
interface Csr {
  subject: string;
  publicKey: KeyObject;
  /** The signed bytes. */
  signed: Buffer;
  signature: Buffer;
}

/**
 * Reads and checks a certificate request (PKCS #10). The signature shows that the sender has the key, and wants the key for this device.
 *
 * @param text the PEM of one request, or base64 of the PEM
 * @throws RefusedCsr
 */
export async function readCsr(text: string, uuid: string): Promise<KeyToSign> {
  const der = derOf(text, ['CERTIFICATE REQUEST']);
  if (typeof der === 'string') throw new RefusedCsr(der, pemFaults[der]);
  const csr = await parse(der);
  if (csr.subject !== `CN=${uuid}`)
    throw new RefusedCsr('wrong-subject', `The subject of the request must be exactly CN=${uuid}.`);
  const publicKey = expectKey(csr.publicKey);
  expectSignature(der, csr);
  return publicKey;
}

async function parse(der: Buffer): Promise<Csr> {
  const { Pkcs10CertificateRequest } = await import('./x509.js');
  try {
    const csr = new Pkcs10CertificateRequest(Uint8Array.from(der));
    // The parser ignores bytes behind the request.
    const signed = signedBytesOf(der);
    const publicKey = createPublicKey({
      key: Buffer.from(csr.publicKey.rawData),
      format: 'der',
      type: 'spki',
    });
    const signature = Buffer.from(csr.signature);
    if (signed) return { subject: csr.subject, publicKey, signed, signature };
  } catch {
    // The message of the parser says nothing that helps the caller.
  }
  throw new RefusedCsr('unreadable', pemFaults.unreadable);
}

function expectKey(key: KeyObject): KeyToSign {
  const allowed = allowedKey(key);
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (allowed === null || modulusLength > mostRsaBits)
    throw new RefusedCsr(
      'weak-key',
      'The key of the request must be EC P-256, EC P-384, or RSA from 2048 to 4096 bits.',
    );
  const { spki, ...publicKey } = allowed;
  return { thumbprint: null, ...publicKey, publicKey: spki.toString('base64') };
}

function expectSignature(der: Buffer, { publicKey, signed, signature }: Csr): void {
  const hash = strongHashOf(der);
  if (hash === null)
    throw new RefusedCsr(
      'weak-signature',
      'The request must be signed with SHA-256, SHA-384 or SHA-512 (ECDSA, or RSA with PKCS #1).',
    );
  if (!verify(hash, signed, publicKey, signature))
    throw new RefusedCsr('wrong-signature', 'The signature of the request is not made with its own key.');
}

const pemFaults: Record<PemFault, string> = {
  unreadable: '"csr" must be the PEM of one certificate request (PKCS #10), or base64 of that PEM.',
  'too-large': 'The PEM of the request is larger than 8 KiB.',
  'with-key':
    'The text contains a private key. The private key must never leave the device: make a new key, and send the request alone.',
};
