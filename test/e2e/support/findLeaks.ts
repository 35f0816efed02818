/** What was found and where: `records: the key of the hub, as base64`. */
export type Leak = string;

/**
 * Looks for secrets in texts.
 *
 * @param secrets by name. Each line of a PEM text is a secret, except lines with dashes
 * @param places the written texts, by place
 */
export function findLeaks(
  secrets: Readonly<Record<string, string>>,
  places: Readonly<Record<string, string>>,
): Leak[] {
  const wanted = Object.entries(secrets).flatMap(([name, secret]) =>
    formsOf(secret).map(([form, text]) => ({ name, form, text })),
  );
  return Object.entries(places).flatMap(([place, written]) =>
    wanted
      .filter(({ text }) => written.includes(text))
      .map(({ name, form }) => `${place}: ${name}, as ${form}`),
  );
}

/** Shorter texts are found by chance. */
const least = 12;

function formsOf(secret: string): [form: string, text: string][] {
  const lines = secret.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
  const whole = lines.flatMap((line): [string, string][] => [
    ['it is', line],
    ['in a URL', encodeURIComponent(line)],
    ['in JSON', JSON.stringify(line).slice(1, -1)],
    ['hex', Buffer.from(line).toString('hex')],
    ...inBase64(line),
  ]);
  if (lines.length === 0 || whole.some(([, text]) => text.length < least))
    throw new Error('a secret that is too short to be looked for');
  return whole;
}

/**
 * Finds a secret inside base64 text. For each of three alignments, the pattern consists of the digits that depend on the secret
 * only.
 */
function inBase64(text: string): [string, string][] {
  return [0, 1, 2].flatMap((before): [string, string][] => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
    const first = Math.ceil((before * 8) / 6);
    const digits = bytes.toString('base64').slice(first, Math.floor((bytes.length * 8) / 6));
    return [
      ['base64', digits],
      ['base64url', digits.replaceAll('+', '-').replaceAll('/', '_')],
      ['base64 in a URL', encodeURIComponent(digits)],
    ];
  });
}

/** The parts that every private key contains, known or unknown: the first line of PEM and the first bytes of DER. */
export const anyPrivateKey: Readonly<Record<string, string>> = {
  'the head of a private key': 'BEGIN PRIVATE KEY',
  'the head of an EC private key': 'BEGIN EC PRIVATE KEY',
  'the head of an RSA private key': 'BEGIN RSA PRIVATE KEY',
  'the beginning of a P-256 key': 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0w',
};
