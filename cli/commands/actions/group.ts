import type { AddCommand } from '../command.js';
import { addCancel } from './cancel.js';
import { addActionList } from './list.js';
import { addActionShow } from './show.js';

/** Adds the group `actions` with all subcommands. */
export const addActions: AddCommand = (parent, action) => {
  const group = parent
    .command('actions')
    .summary('list, show or cancel replays, discards and rotations')
    .description(
      'Manages the bulk actions: replays, discards and rotations. The workers process an action, even after the command that started the action has ended.',
    );
  for (const add of [addActionList, addActionShow, addCancel]) add(group, action);
};
