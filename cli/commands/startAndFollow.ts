import { setTimeout } from 'node:timers/promises';
import type { OpsApp } from '../../src/openOpsApp.js';
import { readAction } from '../../src/ops/bulk/read.js';
import type { Action } from '../../src/ops/bulk/schema.js';
import { type StartRequest, startAction } from '../../src/ops/bulk/start.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { type ExitCode, exitCodes } from '../errors.js';
import { showProgress } from '../output/progress.js';
import { outcomeOf, showAction, sizeOf } from '../output/showAction.js';
import type { Session } from '../session/session.js';

/** Starts what was planned, and looks on, unless that is not wanted. @returns whether all went well */
export async function startAndFollow(
  session: Session,
  app: OpsApp,
  plan: Action,
  { request, looksOn }: { request: StartRequest; looksOn: boolean },
): Promise<ExitCode> {
  const started = await startAction(app, plan.id, request);
  if (!looksOn) {
    session.answer(started, () => goesOn(started));
    return exitCodes.ok;
  }
  const action = await follow(session, app, started);
  session.answer(action, () => showAction(action, session.width));
  return action.state === 'done' && action.counts.failed === 0 ? exitCodes.ok : exitCodes.notWell;
}

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
