import type { Dependency } from '../ProvisioningError.js';
import type { Tools } from './Tools.js';

/**
 * A run is over, or was put off before it began: if it was the probe of an open circuit, the circuit closes, or the next may probe.
 *
 * @param well the dependencies that answered all that this run asked
 */
export async function releaseCircuits(
  { circuits }: Tools,
  id: string,
  well: ReadonlySet<Dependency>,
): Promise<void> {
  const { balena, hub } = circuits;
  await Promise.all([balena.release(id, well.has('balena')), hub.release(id, well.has('hub'))]);
}
