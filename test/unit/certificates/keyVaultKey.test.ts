import { generateKeyPairSync } from 'node:crypto';
import { openKeyVaultKey } from '../../../src/certificates/ca/keyVaultKey.js';
import { caAlgorithmOf } from '../../../src/shared/caAlgorithm.js';

test('a URL that is no key of Key Vault is a fault of the CA, and of no device', async () => {
  const credential = { getToken: async () => null };
  const algorithm = caAlgorithmOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
  const key = openKeyVaultKey({ keyId: 'https://vault.example/keys', credential });
  await expect(key.sign(algorithm!, Buffer.from('data'), 1_000)).rejects.toMatchObject({
    code: 'ca-unusable',
  });
});
