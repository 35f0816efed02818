import type { Violation } from './Evidence.js';

/** The beginning of a private key in PEM, in base64 of PEM, and in base64 of DER (EC P-256, PKCS #8). */
const keyMarks = ['PRIVATE KEY-----', 'LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t', 'MIGHAgEAMBMGByqGSM49'];

/** Looks for secrets in texts that must not contain a secret. */
export interface SecretsCheck {
  /** @param where a name for the reader of the report, such as `log of worker` */
  look(where: string, text: string): void;
  found(): Violation[];
}

/** @param secrets by name: secret values of at least eight characters */
export function createSecretsCheck(secrets: Record<string, string>): SecretsCheck {
  const needles = [...keyMarks.map((mark) => ['a private key', mark] as const), ...Object.entries(secrets)];
  for (const [name, value] of needles)
    if (value.length < 8) throw new Error(`the secret ${name} is too short to be looked for`);
  const violations: Violation[] = [];
  return {
    look(where, text) {
      for (const [name, value] of needles) {
        const at = text.indexOf(value);
        // The report names the place once, before the text.
        if (at >= 0)
          violations.push({ rule: 'secrets', what: `${name} is in ${where}, after: ${text.slice(0, at)}` });
      }
    },
    found: () => violations,
  };
}
