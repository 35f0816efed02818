import type { AddCommand } from '../command.js';
import { addAudit } from './audit.js';
import { addCancel } from './cancel.js';
import { addDiscard } from './discard.js';
import { addDeadLetterList } from './list.js';
import { addPlan } from './plan.js';
import { addReplay } from './replay.js';

/** Where people look who are about to try it otherwise. */
const hint = `
A letter that another tool resends (portal, Service Bus Explorer) is asked for
again as well. But within the queue's duplicate window (10 minutes from when
its message was first sent) the broker drops it without a word. A replay from
here always arrives.`;

export const addDeadLetters: AddCommand = (parent, action) => {
  const group = parent
    .command('dead-letters')
    .summary('what failed for good: look, replay, discard')
    .description(
      'What failed for good, as one list: the requests that the records know, and the letters in the queue.',
    )
    .addHelpText('after', hint);
  group.helpCommand(false);
  for (const add of [addDeadLetterList, addPlan, addReplay, addDiscard, addCancel, addAudit])
    add(group, action);
};
