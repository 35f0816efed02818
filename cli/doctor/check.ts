import type { ProvisioningError } from '../../src/shared/errors.js';

/** The result of one check. */
export interface Check {
  /** The checked item, in a word or two: `queue: send`. */
  name: string;
  /** With a warning the provisioner still works. */
  level: 'ok' | 'warning' | 'failed';
  detail: string;
  /** The next step for the operator; null if there is nothing to do. */
  todo: string | null;
}

/** A check without a fault. */
export const ok = (name: string, detail: string): Check => ({ name, level: 'ok', detail, todo: null });

/** A check with a fault that does not stop the provisioner. */
export const warning = (name: string, detail: string, todo: string): Check => ({
  name,
  level: 'warning',
  detail,
  todo,
});

/** A check with a fault that stops the provisioner. */
export const failed = (name: string, detail: string, todo: string): Check => ({
  name,
  level: 'failed',
  detail,
  todo,
});

/** Whether the call failed because the machine could not get a token for Azure. */
export function lacksToken({ cause }: ProvisioningError): boolean {
  return /Credential|Authentication/.test(cause?.name ?? '');
}

/** The next step for a machine without a token. */
export const getToken = 'run az login, or give this machine a managed identity';
