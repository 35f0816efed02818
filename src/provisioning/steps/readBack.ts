import type { BalenaDevice, Variable } from '../../balena/types.js';
import { readPair } from '../../certificates/read.js';
import type { VariableScope } from '../../device/record.js';
import { ProvisioningError, type Step } from '../../shared/errors.js';
import { noteStored } from './store.js';
import { findDevice } from './validate.js';
import type { Change, Work } from './work.js';

/**
 * Reads the device back, and compares balena with the changes of the run. The right to write can be a condition, for example one fleet:
 * balena then answers a change and a removal with 200 and changes nothing. Only a new row is answered honestly, so a run that
 * has only made new rows needs no request here. Cleared scopes leave the record after this comparison.
 *
 * @param always true if the device must be read also after new rows
 * @returns false if balena does not have the device any more
 * @throws ProvisioningError `balena-write-refused` if a change had no effect; `balena-conflict` if another program wrote at the same time
 */
export async function readBack(
  work: Work,
  changes: readonly Change[],
  step: Step,
  always = false,
): Promise<boolean> {
  if (!always && changes.every(({ replaced }) => replaced === null)) return true;
  const device = await findDevice(work);
  if (!device) return false;
  const missing = changes.filter((change) => !isShown(device, change));
  const unclean = new Set(missing.map(({ scope, isForeign }) => placeOf(scope, isForeign)));
  for (const { scope, isForeign, value } of changes)
    if (value === null && !isForeign && !unclean.has(placeOf(scope, false))) work.clearedScopes.add(scope);
  const [first] = missing;
  if (!first) return true;
  noteHeld(work, device);
  throw missing.some((change) => hadNoEffect(device, change))
    ? refused(device, first, step)
    : overwritten(first, step);
}

/** Notes the pair that balena still shows in the desired scope. The record then says what the device uses, although the run fails. */
function noteHeld(work: Work, device: BalenaDevice): void {
  const scopedVariables = device.scopes.get(work.desired.service ?? '');
  const pair = scopedVariables && readPair(scopedVariables, work.uuid);
  if (work.desired.present && pair) noteStored(work, pair);
}

function placeOf(scope: VariableScope, isForeign: boolean): string {
  return `${isForeign ? 'foreign' : 'own'} ${scope}`;
}

/** The rows of a variable. Services of several other applications can have the same name. */
function rowsOf(device: BalenaDevice, { scope, isForeign, name }: Change): Variable[] {
  const places = isForeign
    ? device.foreignServices.filter((service) => service.name === scope).map(({ variables }) => variables)
    : [device.scopes.get(scope)?.variables ?? {}];
  return places.flatMap((variables) => variables[name] ?? []);
}

function isShown(device: BalenaDevice, change: Change): boolean {
  const rows = rowsOf(device, change);
  if (change.value !== null) return rows.some(({ value }) => value === change.value);
  return change.isForeign ? !rows.some(({ id }) => id === change.replaced?.id) : rows.length === 0;
}

/** Whether the row is as before the write. */
function hadNoEffect(device: BalenaDevice, change: Change): boolean {
  const { replaced } = change;
  return rowsOf(device, change).some(({ id, value }) => id === replaced?.id && value === replaced.value);
}

function refused({ fleet }: BalenaDevice, change: Change, step: Step): ProvisioningError {
  return new ProvisioningError(
    'balena-write-refused',
    `Our API key may read the fleet ${fleet} and not write the variables of this device: balena answered with success, and ${describe(change)} is unchanged.`,
    { step },
  );
}

function overwritten(change: Change, step: Step): ProvisioningError {
  return new ProvisioningError(
    'balena-conflict',
    `Another writer changed ${describe(change)} in balena at the same time.`,
    { step, retryAfterMs: 1_000 },
  );
}

function describe({ scope, name }: Change): string {
  return `${name} of ${scope === '' ? 'the device' : `the service ${scope}`}`;
}
