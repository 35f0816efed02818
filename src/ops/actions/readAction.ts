import type { Action } from '../Action.js';
import type { OpsTools } from '../OpsTools.js';
import { Refused } from '../Refused.js';
import { countOutcomes } from './countOutcomes.js';
import { ended } from './StoredAction.js';
import { viewAction } from './viewAction.js';

/**
 * An action with what has become of it by now.
 *
 * @throws Refused if there is none of this id; ProvisioningError `records-unavailable`
 */
export async function readAction(tools: OpsTools, id: string): Promise<Action> {
  const found = await tools.actions.read(id);
  if (!found) throw new Refused('ops.no-such-action', 'There is no action of this id.', 404);
  const action = found.value;
  if (action.state === 'planned' || ended(action)) return viewAction(tools, action);
  return viewAction(tools, action, await countOutcomes(tools.records, action));
}
