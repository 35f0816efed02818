/** The library for tokens of Azure, for a dynamic import. See `managedIdentity`. */
export { DefaultAzureCredential } from '@azure/identity';
