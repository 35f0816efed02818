import { hubAccepts } from '../../device/state.js';
import type { ThumbprintPair } from '../../iothub/types.js';
import { ProvisioningError } from '../../shared/errors.js';
import type { Work } from './work.js';

/**
 * Makes the hub accept a thumbprint. The identity's second thumbprint is the certificate that the device still holds, until the device
 * has the new certificate. A fresh device costs one registry operation: a create, without a get before.
 *
 * @param held thumbprints of the pairs that the device holds in balena
 * @throws ProvisioningError `hub-…`, `timed-out`
 */
export async function register(work: Work, thumbprint: string, held: readonly string[]): Promise<void> {
  const { desired, observed } = work;
  if (work.forceVerify) observed.hub = await work.hub('register', (hub, ms) => hub.get(work.uuid, ms));
  const revoked = desired.revoke ? desired.retire : undefined;
  if (hubAccepts(observed.hub, thumbprint) && !(revoked && hubAccepts(observed.hub, revoked))) return;

  const pair = pairOf(work, thumbprint, held);
  const create = () => work.hub('register', (hub, ms) => hub.create(work.uuid, pair, ms));
  const update = () => work.hub('register', (hub, ms) => hub.update(work.uuid, pair, ms));
  const exists = observed.hub === 'exists' || Array.isArray(observed.hub);
  // Until the hub has answered, the state of the identity is unknown. If the call fails, the record keeps `unknown`.
  observed.hub = 'unknown';
  for (const call of exists ? [update, create] : [create, update]) {
    const answer = await call();
    if (answer === 'created' || answer === 'updated') {
      observed.hub = pair;
      return;
    }
    observed.hub = answer;
  }
  throw new ProvisioningError(
    'hub-conflict',
    'The hub answered that the identity exists, and then that it does not. Another program is changing the identity.',
    { step: 'register' },
  );
}

/** The thumbprints for the identity: the new one, and the one that stays accepted. A revoked thumbprint does not stay. */
function pairOf({ desired, observed }: Work, thumbprint: string, held: readonly string[]): ThumbprintPair {
  const others = [...held, observed.thumbprint, observed.previous, desired.retire];
  const other = others.find((each) => each && each !== thumbprint && isSha256(each)) ?? thumbprint;
  return [thumbprint, desired.revoke && other === desired.retire ? thumbprint : other];
}

/** The hub demands two thumbprints of the same kind, so the SHA-1 thumbprint of an old identity cannot stay. */
function isSha256(thumbprint: string): boolean {
  return thumbprint.length === 64;
}
