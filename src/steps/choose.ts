import type { BalenaDevice } from '../edges/balena/Balena.js';
import { ProvisioningError } from '../ProvisioningError.js';
import type { Work } from '../worker/Work.js';
import type { Credentials } from './Credentials.js';
import { readPair } from './readPair.js';

export interface Choice {
  /** What the device is to have. */
  credentials: Credentials;
  /** Thumbprints of the pairs that it holds now, the desired service's first. Balena is the truth about that; the record may be behind. */
  held: string[];
}

/** Adopts the pair that the device holds at one of its places if it is good to stay, and mints one otherwise. */
export async function choose(work: Work, device: BalenaDevice): Promise<Choice> {
  const { desired, uuid } = work;
  const places = new Set([desired.service ?? '', ...work.places]);
  const pairs = [...places].flatMap((place) => {
    const spot = device.spots.get(place);
    const pair = spot && readPair(spot, uuid);
    return pair ? [pair] : [];
  });
  const good = pairs.find((pair) => pair.thumbprint !== desired.retire && !dueForRenewal(work, pair));
  return { credentials: good ?? (await mint(work)), held: pairs.map(({ thumbprint }) => thumbprint) };
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
