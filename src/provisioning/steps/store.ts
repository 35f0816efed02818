import type { ScopedVariables, VariableName } from '../../balena/types.js';
import type { Credentials } from '../../certificates/mint.js';
import type { Change, Work } from './work.js';

/**
 * Stores both variables, in parallel: after each write the device's supervisor updates, and the service restarts, about a second
 * later. A variable that already has the value is not written.
 *
 * @param held thumbprints of the pairs that the device holds in balena
 * @returns the writes; none if balena already shows the pair
 * @throws ProvisioningError `balena-…`, `timed-out`
 */
export async function store(
  work: Work,
  scopedVariables: ScopedVariables,
  credentials: Credentials,
  held: readonly string[],
): Promise<Change[]> {
  const { observed, desired } = work;
  const scope = desired.service ?? '';
  const writes = missingValues(scopedVariables, credentials);
  if (writes.length === 0) return [];
  // While only one half is stored, the device has no complete new pair. The hub accepts the earlier certificate until balena shows both.
  observed.previous =
    [...held, observed.thumbprint].find((other) => other && other !== credentials.thumbprint) ??
    observed.previous;
  observed.thumbprint = null;
  // Every write is awaited, also after a failure: a run must not end while one of its writes is under way.
  const results = await Promise.allSettled(
    writes.map(([name, value]) =>
      work.balena('store', (balena) => balena.store(scope, scopedVariables, name, value)),
    ),
  );
  for (const result of results) {
    if (result.status === 'rejected') throw result.reason;
  }
  return writes.map(([name, value]) => {
    const replaced = scopedVariables.variables[name] ?? null;
    return { scope, isForeign: false, name, value, replaced };
  });
}

/** The variables of a scope that differ from the pair. */
export function missingValues(
  { variables }: ScopedVariables,
  { certificate, privateKey }: Credentials,
): [VariableName, string][] {
  const wanted: [VariableName, string][] = [
    ['AZURE_CERT', certificate],
    ['AZURE_PRIVATE_KEY', privateKey],
  ];
  return wanted.filter(([name, value]) => variables[name]?.value !== value);
}

/** Notes that balena shows the pair in the desired scope. */
export function noteStored({ observed, desired }: Work, credentials: Credentials): void {
  const { thumbprint, notBefore, notAfter, keyAlgorithm } = credentials;
  if (observed.thumbprint && observed.thumbprint !== thumbprint) observed.previous = observed.thumbprint;
  Object.assign(observed, { thumbprint, service: desired.service ?? '', notBefore, notAfter, keyAlgorithm });
}
