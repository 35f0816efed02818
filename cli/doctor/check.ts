import type { ProvisioningError } from '../../src/shared/errors.js';

/** One thing that was looked at. */
export interface Check {
  /** What it is, in a word or two. */
  name: string;
  /** A warning is well enough to work with. */
  level: 'ok' | 'warning' | 'failed';
  detail: string;
  /** What to do about it; null where there is nothing to do. */
  todo: string | null;
}

export const ok = (name: string, detail: string): Check => ({ name, level: 'ok', detail, todo: null });

export const warning = (name: string, detail: string, todo: string): Check => ({
  name,
  level: 'warning',
  detail,
  todo,
});

export const failed = (name: string, detail: string, todo: string): Check => ({
  name,
  level: 'failed',
  detail,
  todo,
});

/** Was there no token to ask with? */
export function lacksToken({ cause }: ProvisioningError): boolean {
  return /Credential|Authentication/.test(cause?.name ?? '');
}

export const getToken = 'run az login, or give this machine a managed identity';
