import type { AddCommand } from './AddCommand.js';
import { addAudit } from './commands/audit.js';
import { addDeadLetters } from './commands/deadLetters.js';
import { addDeprovision } from './commands/deprovision.js';
import { addDoctor } from './commands/doctor.js';
import { addFleet } from './commands/fleet.js';
import { addList } from './commands/list.js';
import { addProvision } from './commands/provision.js';
import { addRotate } from './commands/rotate.js';
import { addStatus } from './commands/status.js';
import { addSweep } from './commands/sweep.js';
import { addWatch } from './commands/watch.js';

/** In the order of the help. */
export const commands: AddCommand[] = [
  addProvision,
  addDeprovision,
  addRotate,
  addStatus,
  addList,
  addDeadLetters,
  addFleet,
  addSweep,
  addAudit,
  addWatch,
  addDoctor,
];
