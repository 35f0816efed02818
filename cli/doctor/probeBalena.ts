import type { BalenaOptions } from '../../src/balena/client.js';
import { requestBalena, whoami } from '../../src/balena/whoami.js';
import { ProvisioningError } from '../../src/shared/errors.js';

/** The owner and the rights of our API key. */
export interface BalenaAccess {
  /** The kind of the key's owner: user, application (a fleet's provisioning key) or device. */
  actor: string;
  /** Whether the key may write variables at all. The limit of a role to some fleets does not show here. */
  mayWrite: boolean;
}

/** An id without a row: balena counts from 1. */
const noRow = -1;

/**
 * Asks balena for the rights of our API key, without changing anything. balena answers a change of a missing row with 200 if the key
 * may make such changes, and with 401 otherwise. Three requests.
 *
 * @throws ProvisioningError `balena-…`, `timed-out`
 */
export async function probeBalena({
  apiUrl,
  apiKey,
  callTimeoutMs = 10_000,
}: BalenaOptions): Promise<BalenaAccess> {
  const options = { apiUrl, apiKey, callTimeoutMs };
  const { actorType } = await whoami(options);
  const writes = await Promise.all([
    mayChange(`v7/device_environment_variable(${noRow})`),
    mayChange(`v7/device_service_environment_variable(${noRow})`),
  ]);
  return { actor: actorType, mayWrite: !writes.includes(false) };

  async function mayChange(path: string): Promise<boolean> {
    try {
      // The PATCH names the row by its address. A lost filter would change every variable.
      await requestBalena(
        options,
        path,
        { method: 'PATCH', body: JSON.stringify({ value: '' }) },
        async () => {},
      );
      return true;
    } catch (error) {
      if (ProvisioningError.from(error).code === 'balena-unauthorized') return false;
      throw error;
    }
  }
}
