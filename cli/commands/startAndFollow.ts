import { setTimeout } from 'node:timers/promises';
import type { OpsApp } from '../../src/openOpsApp.js';
import { hasFinished } from '../../src/ops/bulk/action.js';
import { outcomeOf } from '../../src/ops/bulk/outcome.js';
import { readAction } from '../../src/ops/bulk/read.js';
import type { Action } from '../../src/ops/bulk/schema.js';
import { type StartRequest, startAction } from '../../src/ops/bulk/start.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { type ExitCode, exitCodes } from '../exitCodes.js';
import { showProgress } from '../output/progress.js';
import { actionNouns, requestCount, showAction } from '../output/showAction.js';
import type { Session } from '../session/session.js';

const pollIntervalMs = 1_000;
/** If the records do not answer for longer than this time, the command ends with an error. The action itself continues. */
const maxOutageMs = 60_000;

/**
 * Starts a planned action, and prints the action's result.
 *
 * @param follow true to wait until the action is finished; false to print the started action at once
 * @returns `ok` if the action is done and no request failed, or without `follow`; otherwise `problems`
 * @throws RequestError, ProvisioningError
 */
export async function startAndFollow(
  session: Session,
  app: OpsApp,
  plan: Action,
  { request, follow }: { request: StartRequest; follow: boolean },
): Promise<ExitCode> {
  const started = await startAction(app, plan.id, request);
  if (!follow) {
    session.printResult(started, howToFollow);
    return exitCodes.ok;
  }
  const action = await followAction(session, app, started);
  session.printResult(action, (shown) => showAction(shown, session.width));
  return action.state === 'done' && action.counts.failed === 0 ? exitCodes.ok : exitCodes.problems;
}

/**
 * Shows the progress of an action until the action is finished. Ctrl-C ends only the display.
 *
 * @throws ProvisioningError `records-unavailable`, after an outage of a minute
 */
async function followAction(session: Session, app: OpsApp, started: Action): Promise<Action> {
  session.onInterrupt({ code: exitCodes.interrupted, message: howToFollow(started) });
  session.info('Workers process the requests. Ctrl-C ends only this display.');
  const progress = showProgress(session);
  let action = started;
  let answeredAt = Date.now();
  while (!hasFinished(action)) {
    await setTimeout(pollIntervalMs);
    try {
      action = await readAction(app, action.id);
      answeredAt = Date.now();
      const { succeeded, failed, cancelled, superseded } = action.counts;
      progress({
        done: succeeded + failed + cancelled + superseded,
        total: requestCount(action),
        text: outcomeOf(action),
      });
    } catch (error) {
      if (!(error instanceof ProvisioningError) || Date.now() - answeredAt > maxOutageMs) throw error;
    }
  }
  progress();
  return action;
}

function howToFollow({ id, kind }: Action): string {
  return `The ${actionNouns[kind]} continues in the background. To see the progress, or to cancel:\n  provisioner actions show ${id}\n  provisioner actions cancel ${id}`;
}
