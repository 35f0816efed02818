import type { TokenCredential } from '@azure/identity';
import type { CryptographyClient, CryptographyClientOptions } from '@azure/keyvault-keys';
import { withDeadline } from '../../shared/network.js';
import type { CaKey } from './caKey.js';
import { mapKeyVaultError } from './keyVaultErrors.js';

/** The key of a CA in Key Vault. */
export interface KeyVaultKeyOptions {
  /** The URL of the key, with or without its version. */
  keyId: string;
  credential: TokenCredential;
  /** The transport; default: HTTPS. */
  httpClient?: CryptographyClientOptions['httpClient'];
}

/**
 * Opens the key of a CA in Key Vault. The library is loaded for the first signature. The client reads the public key once, and then sends
 * one request for each signature. It repeats no request: the error policy decides about repetitions.
 */
export function openKeyVaultKey({ keyId, credential, httpClient }: KeyVaultKeyOptions): CaKey {
  let opened: Promise<CryptographyClient> | undefined;
  const open = async () => {
    const { CryptographyClient } = await import('./keyVaultSdk.js');
    const options = { retryOptions: { maxRetries: 0 }, ...(httpClient && { httpClient }) };
    return new CryptographyClient(keyId, credential, options);
  };
  return {
    async sign({ name }, data, timeoutMs) {
      try {
        // A client that could not be opened is opened again by the next signature.
        opened ??= open().catch((error: unknown) => {
          opened = undefined;
          throw error;
        });
        const client = await opened;
        const { result } = await withDeadline(timeoutMs, (abortSignal) =>
          client.signData(name, data, { abortSignal }),
        );
        return Buffer.from(result);
      } catch (error) {
        throw mapKeyVaultError(error);
      }
    },
  };
}
