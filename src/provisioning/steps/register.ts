import { acceptsRevoked, hubAccepts, isToRevoke } from '../../device/state.js';
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
 * @param isShown balena shows the pair of the thumbprint at the device. Only then does the hub stop accepting revoked thumbprints
 * @throws ProvisioningError `hub-…`, `timed-out`; `hub-device-disabled` if the identity is disabled
 */
export async function register(
  work: Work,
  thumbprint: string,
  held: readonly string[],
  isShown: boolean,
): Promise<void> {
  const known = work.forceVerify ? await read(work) : recordedIdentity(work, held);
  await update(work, known, goalOf(work, thumbprint, held, isShown));
}

/**
 * Makes the hub accept exactly two thumbprints, at the costs of `register`.
 *
 * @throws ProvisioningError as `register`
 */
export async function registerExactly(work: Work, pair: ThumbprintPair): Promise<void> {
  const { observed } = work;
  const isDone = () =>
    Array.isArray(observed.hub) &&
    pair.every((each) => observed.hub.includes(each)) &&
    observed.hub.every((each) => pair.includes(each));
  const held = observed.thumbprint === null ? [] : [observed.thumbprint];
  const known = work.forceVerify ? await read(work) : recordedIdentity(work, held);
  await update(work, known, { isDone, pair: () => pair });
}

/** @returns the thumbprints that the hub accepts, the newest first. @throws ProvisioningError as `register` */
export async function readAccepted(work: Work): Promise<readonly string[]> {
  await read(work);
  return Array.isArray(work.observed.hub) ? work.observed.hub : [];
}

/** Makes the hub stop accepting revoked thumbprints, once balena has shown that the device holds the pair of the thumbprint. */
export async function revoke(work: Work, thumbprint: string, held: readonly string[]): Promise<void> {
  await update(work, recordedIdentity(work, held), goalOf(work, thumbprint, held, true));
}

/** The identity as it should be. */
interface Goal {
  /** Whether the hub is known to hold the identity as it should be. */
  isDone(): boolean;
  /** The thumbprints to write, by the present knowledge. */
  pair(): ThumbprintPair;
}

function goalOf(work: Work, thumbprint: string, held: readonly string[], isShown: boolean): Goal {
  const { desired, observed } = work;
  return {
    isDone: () => hubAccepts(observed.hub, thumbprint) && !(isShown && acceptsRevoked(desired, observed.hub)),
    pair: () => pairOf(work, thumbprint, held, isShown),
  };
}

/** Updates the identity until the identity is as it should be. @param identity the identity, as far as the run knows */
async function update(work: Work, identity: Known, { isDone, pair }: Goal): Promise<void> {
  let known = identity;
  for (let writes = 0; writes < maxWrites && !isDone(); writes += 1) {
    if (known === 'exists') known = await read(work);
    if (isDone()) break;
    known = await write(work, known, pair());
  }
  if (!isDone())
    throw new ProvisioningError(
      'hub-conflict',
      'The hub answered that the identity exists, and then that the identity does not exist or has changed. Another program is changing the identity, or the identity is too new to be read.',
      { step: 'register' },
    );
}

/**
 * The identity as the record knows it. A known version needs no reading, because the hub refuses to replace another version. A device
 * that holds a pair most likely has an identity, even if the record does not know the identity.
 *
 * A revoked thumbprint may stay for a moment, but must not come back. While one is to be revoked, the accepted thumbprints must be known.
 */
function recordedIdentity({ desired, observed }: Work, held: readonly string[]): Known {
  const { hub, hubEtag } = observed;
  if (hub === 'none') return 'none';
  if (hubEtag !== undefined)
    return Array.isArray(hub) || !desired.revoke ? { etag: hubEtag, properties: null } : 'exists';
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

/**
 * The thumbprints for the identity: the new one, and one that stays accepted.
 *
 * A revoked thumbprint stays only if the hub accepts it now, and only until balena shows the new pair: the device holds it until then. An
 * older thumbprint that is to be retired stays only if the hub accepts it now.
 */
function pairOf(
  { desired, observed }: Work,
  thumbprint: string,
  held: readonly string[],
  isShown: boolean,
): ThumbprintPair {
  const isAccepted = (each: string) => hubAccepts(observed.hub, each);
  const retired = [...(desired.retire ?? []), ...(desired.revoke ?? [])].filter(isAccepted);
  const stays = (each: string) => !isToRevoke(desired, each) || (!isShown && isAccepted(each));
  const others = [...held, observed.thumbprint, observed.previous, ...retired];
  const other = others.find((each) => each && each !== thumbprint && isSha256(each) && stays(each));
  return [thumbprint, other ?? thumbprint];
}

/** The hub demands two thumbprints of the same kind, so the SHA-1 thumbprint of an old identity cannot stay. */
function isSha256(thumbprint: string): boolean {
  return thumbprint.length === 64;
}
