import type { TokenCredential } from '@azure/identity';

/**
 * A managed identity, or an operator's `az login`. The library is loaded for the first token: a start needs none, and a start with
 * connection strings never needs one.
 *
 * @param clientId of a user-assigned identity; null for the identity of the machine
 */
export function identityOf(clientId: string | null): TokenCredential {
  let loaded: Promise<TokenCredential> | undefined;
  return {
    async getToken(scopes, options) {
      loaded ??= import('./defaultCredential.js').then(
        ({ DefaultAzureCredential }) =>
          new DefaultAzureCredential(clientId === null ? {} : { managedIdentityClientId: clientId }),
      );
      return (await loaded).getToken(scopes, options);
    },
  };
}

/** The identity of the machine. All clients of the process share one memory of tokens. */
export const managedIdentity = identityOf(null);

/** The errors of `@azure/identity`, by name: the package is loaded only where a token is needed. */
export const credentialErrors: ReadonlySet<string> = new Set([
  'AuthenticationError',
  'AggregateAuthenticationError',
  'CredentialUnavailableError',
  'AuthenticationRequiredError',
]);

/** Whether the error comes from the request for a token. No other request was sent then. */
export function isCredentialError(error: unknown): boolean {
  return error instanceof Error && credentialErrors.has(error.name);
}
