import { hubAccepts } from '../../device/state.js';
import type { IdentityVersion, ThumbprintPair } from '../../iothub/types.js';
import { ProvisioningError } from '../../shared/errors.js';
import { enabledAgain } from './leaveFleets.js';
import type { Work } from './work.js';

/** What the run knows of the identity before its next call: nothing, no identity, some identity, or the version to replace. */
type Known = 'unknown' | 'none' | 'exists' | IdentityVersion;

/** The writes of one run. The second follows if the hub's answer to the first shows that the record was wrong. */
const maxWrites = 2;

/**
 * Makes the hub accept a thumbprint. The second thumbprint of the identity is the one that the device still holds, until the device
 * has the new certificate.
 *
 * Registry operations: a fresh device costs one (create). A device whose record knows the version of the identity costs one (update).
 * Every other identity is read before it is replaced, because a PUT replaces the whole identity, and because a disabled identity must
 * stay disabled. docs/protocol.md lists the costs.
 *
 * @param held thumbprints of the pairs that the device holds in balena
 * @throws ProvisioningError `hub-…`, `timed-out`; `hub-device-disabled` if the identity is disabled
 */
export async function register(work: Work, thumbprint: string, held: readonly string[]): Promise<void> {
  const { desired, observed } = work;
  const revoked = desired.revoke ? desired.retire : undefined;
  const isDone = () =>
    hubAccepts(observed.hub, thumbprint) && !(revoked !== undefined && hubAccepts(observed.hub, revoked));
  let known = work.forceVerify ? await read(work) : recordedIdentity(work, held);
  const pair = pairOf(work, thumbprint, held);
  for (let writes = 0; writes < maxWrites; writes += 1) {
    if (isDone()) return;
    if (known === 'exists') known = await read(work);
    if (isDone()) return;
    known = await write(work, known, pair);
  }
  if (isDone()) return;
  throw new ProvisioningError(
    'hub-conflict',
    'The hub answered that the identity exists, and then that the identity does not exist or has changed. Another program is changing the identity, or the identity is too new to be read.',
    { step: 'register' },
  );
}

/**
 * The identity as the record knows it. A known version needs no reading, because the hub refuses to replace another version. A device
 * that holds a pair most likely has an identity, even if the record does not know the identity.
 */
function recordedIdentity({ observed: { hub, hubEtag } }: Work, held: readonly string[]): Known {
  if (hub === 'none') return 'none';
  if (hubEtag !== undefined) return { etag: hubEtag, properties: null };
  return hub === 'unknown' && held.length === 0 ? 'unknown' : 'exists';
}

/** Reads the identity. A disabled identity ends the run, because only an operator may enable the identity again. */
async function read(work: Work): Promise<Known> {
  const { observed } = work;
  const identity = await work.hub('register', (hub, ms) => hub.get(work.uuid, ms));
  if (identity === 'none') {
    observed.hub = 'none';
    return 'none';
  }
  const { thumbprints, isDisabled, version } = identity;
  // The device has come back to a served fleet.
  const enabled = isDisabled ? enabledAgain(version) : null;
  if (enabled) {
    observed.hub = 'exists';
    observed.hubEtag = undefined;
    return enabled;
  }
  observed.hub = isDisabled ? 'exists' : (thumbprints ?? 'exists');
  rememberVersion(work, version);
  if (isDisabled)
    throw new ProvisioningError('hub-device-disabled', 'The identity of the device is disabled at the hub.', {
      step: 'register',
    });
  return version;
}

/** Creates or updates the identity. */
async function write(work: Work, known: Known, pair: ThumbprintPair): Promise<Known> {
  const { observed, uuid } = work;
  const answer = await work.hub('register', (hub, ms) => {
    // From the call until the answer, the state of the hub is unknown. Without a call, the state stays known.
    observed.hub = 'unknown';
    return typeof known === 'object' ? hub.update(uuid, pair, known, ms) : hub.create(uuid, pair, ms);
  });
  if (typeof answer === 'object') {
    observed.hub = pair;
    rememberVersion(work, answer);
    return answer;
  }
  observed.hub = answer === 'none' ? 'none' : 'exists';
  observed.hubEtag = undefined;
  return observed.hub;
}

/** The record vouches only for an identity with the properties of a new one: the properties themselves are not recorded. */
function rememberVersion({ observed }: Work, { etag, properties }: IdentityVersion): void {
  observed.hubEtag = properties === null && etag !== '' ? etag : undefined;
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
