import { setTimeout } from 'node:timers/promises';
import type { OpsApp } from '../src/openOpsApp.js';
import { readAction } from '../src/ops/bulk/read.js';
import type { Action } from '../src/ops/bulk/schema.js';
import { ProvisioningError } from '../src/shared/errors.js';
import { exitCodes } from './exitCodes.js';
import { outcomeOf, sizeOf } from './output/showAction.js';
import { showProgress } from './progress.js';
import type { Session } from './Session.js';

const everyMs = 1_000;
/** So long may records or queue be away before looking on is given up; the action goes on meanwhile. */
const patienceMs = 60_000;

/**
 * Looks on while an action runs, to its end. Ctrl-C ends the looking only.
 *
 * @throws ProvisioningError `records-unavailable`, after a minute
 */
export async function follow(session: Session, app: OpsApp, started: Action): Promise<Action> {
  session.whenStopped({ code: exitCodes.interrupted, say: goesOn(started) });
  session.tell('Workers carry it on: Ctrl-C ends only the looking on.');
  const progress = showProgress(session);
  let action = started;
  let answeredAt = Date.now();
  while (!hasEnded(action)) {
    await setTimeout(everyMs);
    try {
      action = await readAction(app, action.id);
      answeredAt = Date.now();
      const { succeeded, failed, cancelled, superseded } = action.counts;
      progress({
        done: succeeded + failed + cancelled + superseded,
        total: sizeOf(action),
        words: outcomeOf(action),
      });
    } catch (error) {
      if (!(error instanceof ProvisioningError) || Date.now() - answeredAt > patienceMs) throw error;
    }
  }
  progress();
  return action;
}

export function hasEnded({ state }: Action): boolean {
  return state === 'done' || state === 'cancelled' || state === 'halted';
}

/** For whoever does not look on any more. */
export function goesOn({ id, kind }: Action): string {
  return `The ${kind === 'rotate' ? 'rotation' : kind} goes on without you. To see how far it is, and to cancel it:\n  provisioner dead-letters audit ${id}\n  provisioner dead-letters cancel ${id}`;
}
