import { setTimeout } from 'node:timers/promises';
import cliProgress from 'cli-progress';
import type { OpsApp } from '../src/openOpsApp.js';
import type { Action } from '../src/ops/Action.js';
import { readAction } from '../src/ops/actions/readAction.js';
import { ProvisioningError } from '../src/ProvisioningError.js';
import { exitCodes } from './exitCodes.js';
import { outcomeOf, sizeOf } from './output/showAction.js';
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
  const progress = showProgress(session, started);
  let action = started;
  let answeredAt = Date.now();
  while (!hasEnded(action)) {
    await setTimeout(everyMs);
    try {
      action = await readAction(app, action.id);
      answeredAt = Date.now();
      progress(action);
    } catch (error) {
      if (!(error instanceof ProvisioningError) || Date.now() - answeredAt > patienceMs) throw error;
    }
  }
  return action;
}

export function hasEnded({ state }: Action): boolean {
  return state === 'done' || state === 'cancelled' || state === 'halted';
}

/** For whoever does not look on any more. */
export function goesOn({ id, kind }: Action): string {
  return `The ${kind} goes on without you. To see how far it is, and to cancel it:\n  provisioner dead-letters audit ${id}\n  provisioner dead-letters cancel ${id}`;
}

/** A bar in a terminal; in a log, a line when something has changed. @returns to be called with each news */
function showProgress(session: Session, started: Action): (action: Action) => void {
  if (session.json) return () => {};
  const doneOf = ({ counts }: Action) =>
    counts.succeeded + counts.failed + counts.cancelled + counts.superseded;
  if (!process.stderr.isTTY) {
    let last = '';
    return (action) => {
      const line = `${doneOf(action)} of ${sizeOf(action)}: ${outcomeOf(action)}`;
      if (line !== last) session.tell(line);
      last = line;
    };
  }
  const bar = new cliProgress.SingleBar({
    format: '{bar} {value}/{total}  {outcome}',
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    stream: process.stderr,
  });
  bar.start(sizeOf(started), doneOf(started), { outcome: outcomeOf(started) });
  session.atEnd(() => bar.stop());
  return (action) => {
    bar.update(doneOf(action), { outcome: outcomeOf(action) });
    if (hasEnded(action)) bar.stop();
  };
}
