import type { BalenaDevice } from '../../balena/types.js';
import { readPair } from '../../certificates/read.js';
import type { Work } from '../work.js';
import { clean } from './clean.js';

/**
 * Undoes it: the hub identity, the variables wherever they may be, and every pair that is made out to this device.
 *
 * The identity goes before anything is asked of balena: a certificate must not open the hub for as long as balena is away, or our
 * key does not see the fleet.
 *
 * @param find the device; null if balena does not know it: then only the hub identity was left to remove
 */
export async function remove(work: Work, find: () => Promise<BalenaDevice | null>): Promise<void> {
  await removeIdentity(work);
  const device = await find();
  if (device) {
    const untrackedScopes = [...device.scopes]
      .filter(([, scopedVariables]) => readPair(scopedVariables, work.uuid))
      .map(([scope]) => scope);
    await clean(work, device, new Set([...work.scopes, ...untrackedScopes]), 'remove');
  }
  forget(work);
}

/** Removes the hub identity; that it is gone already is fine. Asked for explicitly, it is looked for even if the record says that there is none. */
async function removeIdentity(work: Work): Promise<void> {
  const { observed, desired } = work;
  if (desired.present && observed.hub === 'none' && !work.forceVerify) return;
  observed.hub = 'unknown';
  await work.hub('remove', (hub, ms) => hub.remove(work.uuid, ms));
  observed.hub = 'none';
}

function forget({ observed }: Work): void {
  Object.assign(observed, {
    thumbprint: null,
    previous: null,
    service: null,
    notBefore: null,
    notAfter: null,
    keyAlgorithm: null,
  });
}
