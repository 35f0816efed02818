import { setTimeout } from 'node:timers/promises';

/** Longer than anything takes here on a busy machine; what takes longer has failed. */
const patienceMs = 25_000;
const everyMs = 40;

/**
 * Asks again and again until there is an answer other than false, null or undefined. Fails the test when patience is at its end.
 *
 * @param what is waited for, for the message when it does not come
 */
export async function until<R>(
  what: string,
  ask: () => R | Promise<R>,
  withinMs = patienceMs,
): Promise<Exclude<R, false | null | undefined>> {
  const deadline = Date.now() + withinMs;
  let last = '';
  do {
    const patience = setTimeout(deadline - Date.now(), new Error('there was no answer'), { ref: false });
    try {
      const answer = await Promise.race([ask(), patience.then((error) => Promise.reject(error))]);
      if (answer !== false && answer !== null && answer !== undefined)
        return answer as Exclude<R, false | null | undefined>;
      last = '';
    } catch (error) {
      last = ` (${error instanceof Error ? error.message : error})`;
    }
    await setTimeout(everyMs);
  } while (Date.now() < deadline);
  const failure = `waited ${withinMs / 1_000} s in vain until ${what}${last}`;
  // An assertion, and no mere error: `printWhenFailed` counts assertions.
  expect(failure).toBeNull();
  throw new Error(failure);
}
