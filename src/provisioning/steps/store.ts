import type { ScopedVariables, VariableName } from '../../balena/types.js';
import type { Credentials } from '../../certificates/mint.js';
import type { Work } from './work.js';

/**
 * Stores both variables, in parallel: after each write the device's supervisor updates, and the service restarts, about a second
 * later. A variable that already has the value is not written.
 *
 * @param held thumbprints of the pairs that the device holds in balena
 * @throws ProvisioningError `balena-…`, `timed-out`
 */
export async function store(
  work: Work,
  scopedVariables: ScopedVariables,
  credentials: Credentials,
  held: readonly string[],
): Promise<void> {
  const { observed, desired } = work;
  const { thumbprint, notBefore, notAfter, keyAlgorithm } = credentials;
  const service = desired.service ?? '';
  const wanted: [VariableName, string][] = [
    ['AZURE_CERT', credentials.certificate],
    ['AZURE_PRIVATE_KEY', credentials.privateKey],
  ];
  const writes = wanted.filter(([name, value]) => scopedVariables.variables[name]?.value !== value);
  if (writes.length > 0) {
    // While only one half is stored, the device has no complete new pair. The hub accepts the earlier certificate until both are stored.
    observed.previous =
      [...held, observed.thumbprint].find((other) => other && other !== thumbprint) ?? observed.previous;
    observed.thumbprint = null;
    // Every write is awaited, also after a failure: a run must not end while one of its writes is under way.
    const results = await Promise.allSettled(
      writes.map(([name, value]) =>
        work.balena('store', (balena) => balena.store(service, scopedVariables, name, value)),
      ),
    );
    for (const result of results) {
      if (result.status === 'rejected') throw result.reason;
    }
  }
  if (observed.thumbprint && observed.thumbprint !== thumbprint) observed.previous = observed.thumbprint;
  Object.assign(observed, { thumbprint, service, notBefore, notAfter, keyAlgorithm });
  // A revoked thumbprint must not become the identity's second thumbprint at the next rotation.
  if (desired.revoke && observed.previous === desired.retire) observed.previous = null;
}
