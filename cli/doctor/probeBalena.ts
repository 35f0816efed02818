import type { BalenaOptions } from '../../src/balena/client.js';
import { mapBalenaError } from '../../src/balena/errors.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { CallTimeout } from '../../src/shared/network.js';

/** The kind and the rights of the API key. */
export interface BalenaAccess {
  /** The owner of the key: user, application (the provisioning key of a fleet) or device. */
  actor: string;
  /** True if the key may write variables in general. A role with limits for some fleets is not detected. */
  mayWrite: boolean;
}

/** No row has this id, because balena's ids start at 1. */
const noRow = -1;

/**
 * Tests the rights of the API key in three requests, without any change. A PATCH of a missing row is answered with 200 if the key has the
 * right to write, and with 401 otherwise.
 *
 * @throws ProvisioningError `balena-…`, `timed-out`
 */
export async function probeBalena({
  apiUrl,
  apiKey,
  callTimeoutMs = 10_000,
}: BalenaOptions): Promise<BalenaAccess> {
  /** @returns the response; null for 401 */
  async function ask(path: string, init: RequestInit = {}): Promise<Response | null> {
    try {
      const response = await fetch(apiUrl + path, {
        ...init,
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(callTimeoutMs),
      });
      if (response.status === 401) return null;
      if (!response.ok)
        throw mapBalenaError({ statusCode: response.status, responseHeaders: response.headers }, false);
      return response;
    } catch (error) {
      const isTimeout = error instanceof Error && error.name === 'TimeoutError';
      throw mapBalenaError(isTimeout ? new CallTimeout() : error, false);
    }
  }

  const answer = await ask('actor/v1/whoami');
  const { actorType } = ((await answer?.json().catch(() => null)) ?? {}) as { actorType?: unknown };
  if (answer && typeof actorType !== 'string')
    throw new ProvisioningError(
      'balena-unavailable',
      'The response did not come from balena. Check BALENA_API_URL.',
      { retry: 'later', dependency: 'balena' },
    );
  if (!answer) throw mapBalenaError({ statusCode: 401 }, false);
  // The row is addressed by id. A request with a filter could change all rows if the filter got lost.
  const change = { method: 'PATCH', body: JSON.stringify({ value: '' }) };
  const writes = await Promise.all([
    ask(`v7/device_environment_variable(${noRow})`, change),
    ask(`v7/device_service_environment_variable(${noRow})`, change),
  ]);
  return { actor: String(actorType), mayWrite: writes.every((each) => each !== null) };
}
