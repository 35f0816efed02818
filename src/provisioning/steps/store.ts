import type { ScopedVariables, VariableName } from '../../balena/types.js';
import type { Credentials } from '../../certificates/mint.js';
import { ProvisioningError } from '../../shared/errors.js';
import { isTransient } from '../../shared/retry.js';
import type { Change, Work } from './work.js';

/**
 * Proves the right to write the device's variables, if balena has refused the last write: the certificate is added as a new row, before
 * the hub is called. balena refuses the row without the right, also if the row exists. Without the proof, each retry would cost a
 * registry operation for a certificate that never reaches the device.
 *
 * A device with a certificate and no key has no pair, so the order of register and store stays: the device gets the whole pair when the
 * hub accepts the certificate.
 *
 * @returns the variables of the scope, with the added row
 * @throws ProvisioningError `balena-…`, `timed-out`
 */
export async function proveRight(
  work: Work,
  scopedVariables: ScopedVariables,
  { certificate, privateKey }: Credentials,
): Promise<ScopedVariables> {
  const { variables } = scopedVariables;
  const isStored =
    variables.AZURE_CERT?.value === certificate && variables.AZURE_PRIVATE_KEY?.value === privateKey;
  if (!work.observed.writeRefused || isStored) return scopedVariables;
  // An existing row keeps its value. If the row is removed at this moment, the row comes back with the same value.
  const value = variables.AZURE_CERT?.value ?? certificate;
  const scope = work.desired.service ?? '';
  const added = await work.balena('store', (balena) =>
    balena.add(scope, scopedVariables, 'AZURE_CERT', value),
  );
  work.observed.writeRefused = undefined;
  return added ? { ...scopedVariables, variables: { ...variables, AZURE_CERT: added } } : scopedVariables;
}

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
  const { stored, missing, failure } = await write(work, scopedVariables, writes);
  if (failure && stored.length === 0) throw failure.reason;
  if (failure) await completePair(work, scopedVariables, { stored, missing, failure });
  return writes.map(([name, value]) => {
    const replaced = scopedVariables.variables[name] ?? null;
    return { scope, isForeign: false, name, value, replaced };
  });
}

type Values = [VariableName, string][];

/** The outcome of some writes. */
interface Written {
  stored: Values;
  missing: Values;
  /** The first failure; undefined if everything was stored. */
  failure: PromiseRejectedResult | undefined;
}

/** Writes variables, in parallel. */
async function write(work: Work, scopedVariables: ScopedVariables, values: Values): Promise<Written> {
  const scope = work.desired.service ?? '';
  // Every write is awaited, also after a failure: a run must not end while one of its writes is under way.
  const results = await Promise.allSettled(
    values.map(([name, value]) =>
      work.balena('store', (balena) => balena.store(scope, scopedVariables, name, value)),
    ),
  );
  return {
    stored: values.filter((_, i) => results[i]?.status === 'fulfilled'),
    missing: values.filter((_, i) => results[i]?.status === 'rejected'),
    failure: results.find((result) => result.status === 'rejected'),
  };
}

/**
 * Completes a pair of which only one half was stored: this run alone has the other half. If the other half cannot be stored either, the
 * stored half gets its earlier value back, so that the device keeps its earlier pair. A write that may still arrive later forbids that.
 *
 * @throws ProvisioningError the error of the missing half
 */
async function completePair(
  work: Work,
  scopedVariables: ScopedVariables,
  { stored, missing, failure }: Written,
): Promise<void> {
  const again = isTransient(failure?.reason) ? await write(work, scopedVariables, missing) : { failure };
  if (!again.failure) return;
  const mayArrive = [failure, again.failure].some(
    (each) => each && ProvisioningError.from(each.reason).outcomeUnknown,
  );
  const earlier = stored.flatMap(([name]): Values => {
    const variable = scopedVariables.variables[name];
    return variable ? [[name, variable.value]] : [];
  });
  if (!mayArrive) await write(work, scopedVariables, earlier);
  throw again.failure.reason;
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
  observed.issuer = undefined;
}
