import pLimit from 'p-limit';
import { advanceAction } from '../../../../../src/ops/bulk/advance.js';
import { type ActionRequest, planAction } from '../../../../../src/ops/bulk/plan.js';
import { type StartRequest, startAction } from '../../../../../src/ops/bulk/start.js';
import { opsDependencies } from '../../../../support/opsTools.js';
import { useTables } from '../../../../support/useTables.js';

/** Starts Azurite for one test file of bulk actions. */
export async function useFailedDevices() {
  const tables = await useTables();

  /** The dependencies of the bulk actions, in new tables, with this many devices that failed for good. */
  async function withFailed(count: number) {
    const all = opsDependencies(tables);
    await pLimit(32).map(
      Array.from({ length: count }, (_, index) => index),
      (index) => all.put(index),
    );
    const { deps, nudges, clock } = all;
    return {
      ...all,
      /** Delivers a wake-up message to a worker when the message is due. @param at index of the message; default: the newest */
      async work(at = nudges.length - 1) {
        const message = nudges[at]!;
        clock.at = Math.max(clock.at, message.due);
        await advanceAction(deps, message);
      },
      /** Plans an action; default: a replay of all devices. */
      planned: (request: Partial<ActionRequest> = {}) => planAction(deps, { kind: 'replay', ...request }),
      /** Plans an action and starts the action. @returns the id of the action */
      async started(request: StartRequest = {}, plan: Partial<ActionRequest> = {}) {
        const { id } = await planAction(deps, { kind: 'replay', ...plan });
        await startAction(deps, id, request);
        return id;
      },
    };
  }
  return { tables, withFailed };
}
