import type { ProvisioningError } from '../../src/shared/errors.js';

/** Was there no token to ask with? */
export function lacksToken({ cause }: ProvisioningError): boolean {
  return /Credential|Authentication/.test(cause?.name ?? '');
}

export const getToken = 'run az login, or give this machine a managed identity';
