/* The parts of Key Vault's SDK that the product uses. The module is imported dynamically: the bundler then leaves out the other parts. */
export { CryptographyClient, KeyClient, parseKeyVaultKeyIdentifier } from '@azure/keyvault-keys';
