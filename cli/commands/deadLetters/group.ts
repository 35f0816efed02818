import type { AddCommand } from '../command.js';
import { addDiscard } from './discard.js';
import { addDeadLetterList } from './list.js';
import { addPlan } from './plan.js';
import { addReplay } from './replay.js';

/** A warning for operators who plan to resend dead letters with another tool. */
const hint = `
Other tools (Azure portal, Service Bus Explorer) can resend a dead letter, too.
But within the queue's duplicate window (10 minutes after the first sending of
the message) Service Bus drops the resent message without an error. A replay
with this command is always delivered.`;

/** Adds the group `dead-letters` with all subcommands. */
export const addDeadLetters: AddCommand = (parent, action) => {
  const group = parent
    .command('dead-letters')
    .summary('list, replay or discard requests that failed for good')
    .description(
      'Manages requests that failed for good. The list combines the failed requests in the records with the dead letters in the queue.',
    )
    .addHelpText('after', hint);
  for (const add of [addDeadLetterList, addPlan, addReplay, addDiscard]) add(group, action);
};
