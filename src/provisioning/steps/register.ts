import { hubAccepts } from '../../device/state.js';
import type { ThumbprintPair } from '../../iothub/types.js';
import { ProvisioningError } from '../../shared/errors.js';
import type { Work } from '../work.js';

/**
 * Has the hub accept a thumbprint, and, in the second slot, the one that the device holds until it has the new one. A fresh
 * device costs one operation: create, and never get first.
 *
 * @param held thumbprints of the pairs that the device holds in balena
 */
export async function register(work: Work, thumbprint: string, held: readonly string[]): Promise<void> {
  const { desired, observed } = work;
  if (work.forceVerify) await ask(work);
  const revoked = desired.revoke ? desired.retire : undefined;
  if (hubAccepts(observed.hub, thumbprint) && !(revoked && hubAccepts(observed.hub, revoked))) return;

  const others = [...held, observed.thumbprint, observed.previous, desired.retire];
  const second = others.find((other) => other && other !== thumbprint && isSha256(other)) ?? thumbprint;
  const thumbprints: ThumbprintPair = [thumbprint, second === revoked ? thumbprint : second];

  const create = () => work.hub('register', (hub, ms) => hub.create(work.uuid, thumbprints, ms));
  const update = () => work.hub('register', (hub, ms) => hub.update(work.uuid, thumbprints, ms));
  const known = observed.hub === 'exists' || Array.isArray(observed.hub);
  // From here until the hub has answered, what it holds is not known: the record says so if this run dies.
  observed.hub = 'unknown';
  for (const call of known ? [update, create] : [create, update]) {
    const answer = await call();
    if (answer === 'created' || answer === 'updated') {
      observed.hub = thumbprints;
      return;
    }
    observed.hub = answer;
  }
  throw new ProvisioningError(
    'hub-rejected',
    'The hub has the identity and does not have it: someone else is changing it.',
    {
      retry: 'later',
      step: 'register',
      dependency: 'hub',
    },
  );
}

/** Both slots must be of the same kind: the thumbprint of an old SHA-1 identity cannot stay. */
function isSha256(thumbprint: string): boolean {
  return thumbprint.length === 64;
}

async function ask(work: Work): Promise<void> {
  work.observed.hub = await work.hub('register', (hub, ms) => hub.get(work.uuid, ms));
}
