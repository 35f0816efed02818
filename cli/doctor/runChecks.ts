import type { Settings } from '../session/readEndpoints.js';
import type { Check } from './check.js';
import { checkBalena } from './checkBalena.js';
import { checkCa } from './checkCa.js';
import { checkFunctions } from './checkFunctions.js';
import { checkHub } from './checkHub.js';
import { checkMachine } from './checkMachine.js';
import { checkQueue } from './checkQueue.js';
import { checkRecords } from './checkRecords.js';
import { checkSettings } from './checkSettings.js';

/**
 * Runs all checks at the same time, and yields the results in a fixed order. A system with wrong settings is not checked.
 *
 * @param provesWrite true: the right to write variables is proven with a write that is taken back
 */
export async function* runChecks(settings: Settings, provesWrite: boolean): AsyncIterable<Check> {
  const { checks, configFor } = checkSettings(settings);
  const [balena, hub, queue, records] = [
    configFor('balena'),
    configFor('hub'),
    configFor('queue'),
    configFor('records'),
  ];
  const [both, others] = [configFor('queue', 'records'), configFor()];
  const groups = [
    checkMachine(records),
    queue ? checkQueue(queue) : [],
    records ? checkRecords(records) : [],
    both ? checkFunctions(both) : [],
    hub ? checkHub(hub) : [],
    balena ? checkBalena(balena, provesWrite) : [],
    others ? checkCa(others) : [],
  ];
  yield* checks;
  for (const group of groups) yield* await group;
}
