import type { ScopedVariables, VariableName } from '../../balena/types.js';
import type { Credentials } from '../../certificates/mint.js';
import type { Work } from '../work.js';

/**
 * Stores both variables, in parallel: each write has the device's supervisor update and the service restart a second later.
 * Never writes an equal value.
 *
 * @param held thumbprints of the pairs that the device holds in balena
 */
export async function store(
  work: Work,
  scopedVariables: ScopedVariables,
  credentials: Credentials,
  held: readonly string[],
): Promise<void> {
  const { observed, desired } = work;
  const { thumbprint } = credentials;
  const service = desired.service ?? '';
  const wanted: [VariableName, string][] = [
    ['AZURE_CERT', credentials.certificate],
    ['AZURE_PRIVATE_KEY', credentials.privateKey],
  ];
  const writes = wanted.filter(([name, value]) => scopedVariables.variables[name]?.value !== value);
  if (writes.length > 0) {
    // Half stored, the device holds nothing; what it held before stays accepted until it has the whole of the new pair.
    observed.previous =
      [...held, observed.thumbprint].find((other) => other && other !== thumbprint) ?? observed.previous;
    observed.thumbprint = null;
    // All are awaited: a run must not end while a write of its own is under way.
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
  const { notBefore, notAfter, keyAlgorithm } = credentials;
  Object.assign(observed, { thumbprint, service, notBefore, notAfter, keyAlgorithm });
  // Revoked, it must not come back into the second slot when the next one is retired.
  if (desired.revoke && observed.previous === desired.retire) observed.previous = null;
}
