import type { Credentials } from '../../../src/certificates/mint.js';
import type { App } from '../../../src/openApp.js';
import type { System } from './useSystem.js';

/** Has a provisioned device hold another pair, which balena, the hub and its record know, as if it had been provisioned with it. */
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
