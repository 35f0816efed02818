import { inspect } from 'node:util';
import { ProvisioningError } from '../../src/shared/errors.js';

/**
 * Waits for a call to fail.
 *
 * @returns the error, which must be a ProvisioningError
 */
export async function thrownBy(call: Promise<unknown>): Promise<ProvisioningError> {
  const error = await call.then(
    (result) => new Error(`it did not fail, and returned ${inspect(result)}`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ProvisioningError) return error;
  throw error;
}

/** Everything about an error that a careless logger could print. */
export function everythingIn(error: Error): string {
  return [
    inspect(error, { depth: 10, showHidden: true }),
    JSON.stringify(error),
    JSON.stringify(error.cause ?? null),
    inspect(error.cause, { depth: 10, showHidden: true }),
    error.stack,
    error.message,
    String(error),
  ].join('\n');
}
