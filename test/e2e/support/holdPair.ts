import type { Credentials } from '../../../src/certificates/mint.js';
import type { App } from '../../../src/openApp.js';
import type { System } from './useSystem.js';

/**
 * Gives a provisioned device another pair. Balena, the hub and the record change as if the device had been provisioned with the
 * pair.
 */
export async function holdPair(
  { balena, hub }: System,
  { records }: App,
  uuid: string,
  pair: Credentials,
): Promise<void> {
  const { certificate, privateKey, thumbprint, notBefore, notAfter } = pair;
  await balena.setVariables(uuid, 'main', { AZURE_CERT: certificate, AZURE_PRIVATE_KEY: privateKey });
  await hub.unregister(uuid);
  await hub.register(uuid, thumbprint);
  await records.amend(uuid, (record) => {
    if (!record) return null;
    Object.assign(record.observed, {
      thumbprint,
      previous: null,
      notBefore,
      notAfter,
      hub: [thumbprint, thumbprint],
    });
    return record;
  });
}
