// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';
import { numberOf } from './numberOf.js';
import { HookProblem, say } from './report.js';

/** The time from one look to the next. */
export const pollMs = numberOf('POSTDEPLOY_POLL_SECONDS', 10) * 1_000;
const limitMs = numberOf('POSTDEPLOY_LIMIT_MINUTES', 20) * 60_000;
/** An unchanged line is repeated after this time, so that the operator sees that the hook still waits. */
const repeatMs = 60_000;
const startedAt = Date.now();

/**
 * Looks again and again, until nothing is missing. Prints what is missing, with the time since the start of the hook.
 *
 * @param {() => Promise<string | null>} look what is missing, as a sentence; null if nothing is missing
 * @param {string} todo the next step if the time is up
 */
export async function waitFor(look, todo) {
  let said = '';
  let saidAt = 0;
  for (;;) {
    const missing = await look();
    if (missing === null) return;
    if (Date.now() - startedAt >= limitMs) throw new HookProblem(missing, todo);
    if (missing !== said || Date.now() - saidAt >= repeatMs) {
      say(`  ${clock(Date.now() - startedAt)} of ${clock(limitMs)}: ${missing}`);
      said = missing;
      saidAt = Date.now();
    }
    await sleep(pollMs);
  }
}

/** @param {number} ms */
const clock = (ms) => `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1_000) % 60).padStart(2, '0')}`;
