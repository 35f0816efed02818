import type { BalenaOptions } from '../../src/balena/client.js';
import { mapBalenaError } from '../../src/balena/errors.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { CallTimeout } from '../../src/shared/network.js';

/** What our key is. */
export interface BalenaAccess {
  /** Whose key it is: user, application (a fleet's provisioning key) or device. */
  actor: string;
  /** May it write variables at all? A role that is limited to some fleets does not show here. */
  mayWrite: boolean;
}

/** No row has it: balena counts from 1. */
const noRow = -1;

/**
 * Asks balena what our key may do, without changing anything: a change of a row that does not exist is answered with 200 to
 * who may make such changes, and with 401 to others. Three requests.
 *
 * @throws ProvisioningError `balena-…`, `timed-out`
 */
export async function probeBalena({
  apiUrl,
  apiKey,
  callTimeoutMs = 10_000,
}: BalenaOptions): Promise<BalenaAccess> {
  /** @returns the answer, or null for 401 */
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
      'Something that is not balena answered: check BALENA_API_URL.',
      { dependency: 'balena' },
    );
  if (!answer) throw mapBalenaError({ statusCode: 401 }, false);
  // PATCH, and by the row's own address: no filter that could be lost on the way, and change everything.
  const change = { method: 'PATCH', body: JSON.stringify({ value: '' }) };
  const writes = await Promise.all([
    ask(`v7/device_environment_variable(${noRow})`, change),
    ask(`v7/device_service_environment_variable(${noRow})`, change),
  ]);
  return { actor: String(actorType), mayWrite: writes.every((each) => each !== null) };
}
