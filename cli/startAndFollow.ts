import type { OpsApp } from '../src/openOpsApp.js';
import type { Action } from '../src/ops/bulk/schema.js';
import { type StartRequest, startAction } from '../src/ops/bulk/start.js';
import { type ExitCode, exitCodes } from './exitCodes.js';
import { follow, goesOn } from './follow.js';
import { showAction } from './output/showAction.js';
import type { Session } from './Session.js';

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
