import type { BalenaDevice } from '../../balena/types.js';
import type { Credentials } from '../../certificates/mint.js';
import { readPair } from '../../certificates/read.js';
import type { VariableScope } from '../../device/record.js';
import { isToRetire } from '../../device/state.js';
import { ProvisioningError } from '../../shared/errors.js';
import type { Work } from './work.js';

/** The pair for the device, and the pairs in balena. */
export interface Choice {
  /** The pair that the device is to have. */
  credentials: Credentials;
  /** Thumbprints of the pairs that balena shows now, the desired service's first. The record may be behind balena. */
  held: string[];
  /** Scopes with a pair of this device that are missing in the record. */
  untrackedScopes: VariableScope[];
}

/**
 * Keeps the pair that the device holds if the pair can stay, and mints a new pair otherwise.
 *
 * A device that holds no pair in a known scope may hold one in another scope: the record was lost, or an older provisioner stored
 * the pair. The device uses that pair, so the pair is moved to the desired scope. The device would
 * never read a second certificate in another scope, for example at the device level.
 *
 * @throws ProvisioningError `unexpected` if no pair can be minted
 */
export async function choose(work: Work, device: BalenaDevice): Promise<Choice> {
  const { desired, uuid } = work;
  const pairsIn = (scopes: Iterable<VariableScope>) =>
    [...scopes].flatMap((scope) => {
      const scopedVariables = device.scopes.get(scope);
      const pair = scopedVariables && readPair(scopedVariables, uuid);
      return pair ? [{ scope, pair }] : [];
    });
  const tracked = pairsIn(new Set([desired.service ?? '', ...work.scopes]));
  const untracked = tracked.length > 0 ? [] : pairsIn(device.scopes.keys());
  const pairs = [...tracked, ...untracked].map(({ pair }) => pair);
  const adopted = pairs.find((pair) => !isToRetire(desired, pair.thumbprint) && !isDueForRenewal(work, pair));
  return {
    credentials: adopted ?? (await mint(work)),
    held: pairs.map(({ thumbprint }) => thumbprint),
    untrackedScopes: untracked.map(({ scope }) => scope),
  };
}

function isDueForRenewal({ now, settings }: Work, { notBefore, notAfter }: Credentials): boolean {
  return now() >= notBefore + (notAfter - notBefore) * settings.renewAt;
}

async function mint(work: Work): Promise<Credentials> {
  // The hub must accept a new pair. A pair that is minted before the operation is due would be lost, because the run ends. After a
  // refused write, the right to write is proved with the new pair, before an operation is reserved.
  if (!work.observed.writeRefused) await work.awaitOperation();
  try {
    return await work.mint();
  } catch (error) {
    throw new ProvisioningError('unexpected', 'The key and the certificate could not be created.', {
      step: 'mint',
      cause: error,
    });
  }
}
