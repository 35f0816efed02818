import { ProvisioningError } from '../../shared/errors.js';
import { isCredentialError } from '../../shared/managedIdentity.js';
import { CallTimeout, parseRetryAfter } from '../../shared/network.js';

/** The parts of an error of the SDK that count. An error without a status is about the connection, or is the SDK's own. */
interface RestError {
  name?: string;
  statusCode?: number;
  /** The code in the answer of Key Vault, such as `Forbidden`; or of the connection, such as `ECONNREFUSED`. */
  code?: string;
  response?: { headers: { get(name: string): string | undefined } };
}

const defaultWaitMs = 10_000;

/**
 * Maps an error of Key Vault's SDK to a ProvisioningError. The message is our own text. A signature changes nothing, so no outcome is
 * unknown.
 */
export function mapKeyVaultError(error: unknown): ProvisioningError {
  const make = (code: ProvisioningError['code'], message: string, retryAfterMs?: number) =>
    new ProvisioningError(code, message, {
      step: 'sign',
      cause: error,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  const { name, statusCode, code, response } = error as RestError;
  if (error instanceof CallTimeout) return make('ca-unavailable', 'Key Vault did not answer in time.');
  if (isCredentialError(error))
    return make('ca-unauthorized', 'Azure issued no token for Key Vault: check the managed identity.');
  if (statusCode === undefined) {
    // The SDK checks the dates and operations of the key, and the host that asks for a token.
    return name === 'RestError' || name === 'AbortError'
      ? make('ca-unavailable', 'Key Vault cannot be reached.')
      : make('ca-unusable', 'The key of the CA cannot be used: check its dates, its operations and its URL.');
  }
  if (statusCode === 429) {
    const wait = parseRetryAfter(response?.headers.get('retry-after')) ?? defaultWaitMs;
    return make('ca-throttled', 'Key Vault limits our requests (429).', wait);
  }
  // A gateway may answer in place of Key Vault, without a code of Key Vault.
  if (statusCode >= 500 || statusCode === 408 || code === undefined)
    return make('ca-unavailable', `Key Vault answered ${statusCode}.`);
  if (statusCode === 401 || statusCode === 403)
    return make(
      'ca-unauthorized',
      `Key Vault does not allow signatures with the key of the CA (${statusCode}): check the role Key Vault Crypto User, the firewall of the vault, and whether the key is enabled.`,
    );
  if (statusCode === 404)
    return make('ca-unusable', 'Key Vault has no such key (404): check CA_KEY_VAULT_KEY.');
  return make('ca-unusable', `Key Vault refuses the signature (${statusCode}): check the type of the key.`);
}
