import type { BalenaDevice } from '../../balena/types.js';
import type { Credentials } from '../../certificates/mint.js';
import { readPair } from '../../certificates/read.js';
import type { VariableScope } from '../../device/record.js';
import { ProvisioningError } from '../../shared/errors.js';
import type { Work } from '../work.js';

export interface Choice {
  /** What the device is to have. */
  credentials: Credentials;
  /** Thumbprints of the pairs that it holds now, the desired service's first. Balena is the truth about that; the record may be behind. */
  held: string[];
  /** Places with a pair of its own of which the record knows nothing. */
  untrackedScopes: VariableScope[];
}

/**
 * Adopts the pair that the device holds if it is good to stay, and mints one otherwise. A device that holds none at any of its
 * places may hold one elsewhere: the record was lost, or it is the old function's. That one is in use, so it is moved like any
 * other; another certificate beside it, at the device level for example, would be one that the device never reads.
 */
export async function choose(work: Work, device: BalenaDevice): Promise<Choice> {
  const { desired, uuid } = work;
  const scopes = new Set([desired.service ?? '', ...work.scopes]);
  const pairsAt = (among: Iterable<VariableScope>) =>
    [...among].flatMap((scope) => {
      const scopedVariables = device.scopes.get(scope);
      const pair = scopedVariables && readPair(scopedVariables, uuid);
      return pair ? [{ scope, pair }] : [];
    });
  const known = pairsAt(scopes);
  const untrackedScopes = known.length > 0 ? [] : pairsAt(device.scopes.keys());
  const pairs = [...known, ...untrackedScopes].map(({ pair }) => pair);
  const good = pairs.find((pair) => pair.thumbprint !== desired.retire && !dueForRenewal(work, pair));
  return {
    credentials: good ?? (await mint(work)),
    held: pairs.map(({ thumbprint }) => thumbprint),
    untrackedScopes: untrackedScopes.map(({ scope }) => scope),
  };
}

function dueForRenewal({ now, settings }: Work, { notBefore, notAfter }: Credentials): boolean {
  return now() >= notBefore + (notAfter - notBefore) * settings.renewAt;
}

async function mint(work: Work): Promise<Credentials> {
  try {
    return await work.mint();
  } catch (error) {
    throw new ProvisioningError('unexpected', 'The key and certificate could not be made.', {
      retry: 'later',
      step: 'mint',
      cause: error,
    });
  }
}
