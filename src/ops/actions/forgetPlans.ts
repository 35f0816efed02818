import type { OpsTools } from '../OpsTools.js';

/** A plan tells what was so when it was made: after this it is to be made anew. */
export const planIsGoodForMs = 24 * 3_600_000;

/** Removes plans that were never started, once they cannot be started any more. The overdue timer calls it. */
export async function forgetPlans({ actions, clock }: Pick<OpsTools, 'actions' | 'clock'>): Promise<void> {
  // A little later than it may be started: a start and this never cross.
  const before = clock.now() - planIsGoodForMs - 3_600_000;
  for (const action of await actions.list())
    if (action.startedAt === null && action.plannedAt < before) await actions.remove(action);
}
