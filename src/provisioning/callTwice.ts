import { type Dependency, ProvisioningError } from '../shared/errors.js';

/** The longest time for a call to the hub, ms. A connection that was dropped without a word costs this time. */
const longestCallMs = 10_000;
/** The longest time for the repetition of a call without an answer, ms. The hub may hold a throttled call that long. */
const longestRepeatedCallMs = 30_000;

/** The longest time for one call to the hub, ms. @param workLimitMs the work limit of the run, ms */
export function hubCallLimit(workLimitMs: number, isRepeated: boolean): number {
  return isRepeated ? longestRepeatedCallMs : Math.min(longestCallMs, workLimitMs / 2);
}

/**
 * Makes a call. A call without an answer is made once more: its connection may have been dropped without a word, and the client then
 * uses a new connection. The first call may still take effect later. Each call of a run bears that, as long as no other run works on
 * the device: a create meets the identity of the other create, an update names its version, and a write to balena writes the same value.
 *
 * @param beforeRepetition gets the first error. If the function rejects, the call is not repeated
 * @throws the errors of `call` and of `beforeRepetition`
 */
export async function callTwice<R>(
  dependency: Dependency,
  call: (isRepeated: boolean) => Promise<R>,
  beforeRepetition: (lost: ProvisioningError) => Promise<void>,
): Promise<R> {
  try {
    return await call(false);
  } catch (error) {
    if (!(error instanceof ProvisioningError) || error.policy.retriedInRun !== 'once') throw error;
    // An error without a dependency comes from the work limit.
    if (error.dependency !== dependency) throw error;
    await beforeRepetition(error);
    return call(true);
  }
}
