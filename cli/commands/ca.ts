import { InvalidArgumentError } from 'commander';
import { systemClock } from '../../src/shared/time.js';
import { examples } from '../options/common.js';
import type { AddCommand } from './command.js';

/** Adds the group `ca`. */
export const addCa: AddCommand = (parent, action) => {
  const group = parent
    .command('ca')
    .summary('make the certificate of a CA for certificate requests')
    .description('The CA signs the certificate requests of devices with own keys. See docs/own-keys.md.');
  group
    .command('certificate')
    .summary('make a self-signed certificate for a key in Key Vault')
    .description(
      'Prints the PEM of a self-signed certificate of a CA, for the setting CA_CERTIFICATE. The key stays in Key Vault. ' +
        'Needs az login with the role Key Vault Crypto User for the key. Nothing is stored.',
    )
    .requiredOption('--key <url>', 'the URL of the key in Key Vault, with its version', keyUrl)
    .requiredOption('--subject <name>', 'the subject of the CA, such as "CN=Acme device CA"')
    .option('--days <number>', 'the lifetime of the certificate, days', days, 3_650)
    .addHelpText('after', examples('provisioner ca certificate --key $KEY_URL --subject "CN=Acme device CA"'))
    .action(
      action(async (session, options: { key: string; subject: string; days: number }) => {
        const [{ makeCaCertificate }, { managedIdentity }] = await Promise.all([
          import('../../src/certificates/ca/makeCaCertificate.js'),
          import('../../src/shared/managedIdentity.js'),
        ]);
        const key = { keyId: options.key, credential: managedIdentity };
        const { subject, days } = options;
        const certificate = await makeCaCertificate(key, { subject, days, now: systemClock.now() });
        session.printResult({ certificate }, ({ certificate: pem }) => pem.trimEnd());
      }),
    );
};

function keyUrl(text: string): string {
  if (/^https:\/\/[^/]+\/keys\/[^/]+(\/[^/]+)?$/.test(text)) return text;
  throw new InvalidArgumentError(
    'The value must be the URL of a key, such as https://myvault.vault.azure.net/keys/ca/<version>',
  );
}

function days(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 36_500) return number;
  throw new InvalidArgumentError('The value must be days from 1 to 36500.');
}
