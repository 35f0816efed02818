import { setTimeout } from 'node:timers/promises';

/** Far longer than any condition takes here, also on a machine with ten times its load. */
const patienceMs = 240_000;
const everyMs = 40;

/**
 * Calls a probe again and again until the probe returns a value other than false, null or undefined. After an error the probe
 * is called again. After four minutes the test fails, with the last error.
 *
 * @param condition completes the failure "waited 240 s in vain until …"
 * @returns the value of the probe
 */
export async function waitFor<R>(
  condition: string,
  probe: () => R | Promise<R>,
): Promise<Exclude<R, false | null | undefined>> {
  const deadline = Date.now() + patienceMs;
  let last = '';
  do {
    const patience = setTimeout(deadline - Date.now(), new Error('the probe did not return'), { ref: false });
    try {
      const value = await Promise.race([probe(), patience.then((error) => Promise.reject(error))]);
      if (value !== false && value !== null && value !== undefined)
        return value as Exclude<R, false | null | undefined>;
      last = '';
    } catch (error) {
      last = ` (${error instanceof Error ? error.message : error})`;
    }
    await setTimeout(everyMs);
  } while (Date.now() < deadline);
  const failure = `waited ${patienceMs / 1_000} s in vain until ${condition}${last}`;
  // `printWhenFailed` counts failed assertions, so this failure is an assertion.
  expect(failure).toBeNull();
  throw new Error(failure);
}
