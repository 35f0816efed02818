import type { BalenaOptions } from '../../src/balena/client.js';
import { requestBalena, whoami } from '../../src/balena/whoami.js';
import { ProvisioningError } from '../../src/shared/errors.js';

/** The kind and the rights of the API key. */
export interface BalenaAccess {
  /** The owner of the key: user, application (the provisioning key of a fleet) or device. */
  actor: string;
  /** False if the key may not write variables at all. True is no proof: a right with a condition, such as one fleet, looks the same. */
  mayWrite: boolean;
}

/** No row has this id, because balena's ids start at 1. */
const noRow = -1;

/**
 * Tests the rights of the API key in three requests, without any change. balena answers a PATCH of a missing row with 401 if the key has no
 * right to write. The answer is 200 if the key has the right, and also if the key has it under a condition that no row meets.
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
