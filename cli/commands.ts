import type { AddCommand } from './AddCommand.js';
import { addDeadLetters } from './commands/deadLetters.js';
import { addDeprovision } from './commands/deprovision.js';
import { addDoctor } from './commands/doctor.js';
import { addList } from './commands/list.js';
import { addProvision } from './commands/provision.js';
import { addStatus } from './commands/status.js';
import { addWatch } from './commands/watch.js';

/** In the order of the help. */
export const commands: AddCommand[] = [
  addProvision,
  addDeprovision,
  addStatus,
  addList,
  addDeadLetters,
  addWatch,
  addDoctor,
];
