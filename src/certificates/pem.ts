/** The largest PEM, bytes. A certificate with an RSA key of 4,096 bits has less than 2 KiB. */
const mostBytes = 8 * 1024;
/** Base64 of the largest PEM, with line breaks. */
const mostCharacters = 12 * 1024;

/** Why a text is no PEM of one object. */
export type PemFault = 'unreadable' | 'too-large' | 'with-key';

/**
 * The DER of one object in PEM, or in base64 of the PEM.
 *
 * @param labels the allowed labels, such as `CERTIFICATE`
 */
export function derOf(text: string, labels: readonly string[]): Buffer | PemFault {
  if (text.length > mostCharacters) return 'too-large';
  const trimmed = text.trim();
  const pem = trimmed.startsWith('-----') ? trimmed : (base64(trimmed)?.toString('latin1').trim() ?? '');
  if (pem.length > mostBytes) return 'too-large';
  if (/PRIVATE KEY/.test(pem)) return 'with-key';
  const [, label = '', body = ''] =
    /^-----BEGIN ([A-Z ]+)-----\r?\n([A-Za-z0-9+/=\r\n \t]*)-----END \1-----$/.exec(pem) ?? [];
  const der = labels.includes(label) ? base64(body) : null;
  return der ?? 'unreadable';
}

/** @returns null if the text is not base64. Line breaks and blanks do not count */
function base64(text: string): Buffer | null {
  const plain = text.replaceAll(/[\r\n \t]/g, '');
  const isBase64 = plain.length > 0 && plain.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(plain);
  return isBase64 ? Buffer.from(plain, 'base64') : null;
}
