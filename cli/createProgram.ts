import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Command } from 'commander';
import { addAudit } from './commands/audit.js';
import type { Action, AddCommand, RunInSession, Work } from './commands/command.js';
import { addDeadLetters } from './commands/deadLetters/group.js';
import { addDeprovision } from './commands/deprovision.js';
import { addDoctor } from './commands/doctor.js';
import { addFleet } from './commands/fleet.js';
import { addList } from './commands/list.js';
import { addProvision } from './commands/provision.js';
import { addRotate } from './commands/rotate.js';
import { addStatus } from './commands/status.js';
import { addSweep } from './commands/sweep.js';
import { addWatch } from './commands/watch.js';
import { exitCodesHelp } from './errors.js';
import { packageFolder } from './session/findSystem.js';
import type { GlobalOptions } from './session/session.js';

const { version } = createRequire(import.meta.url)(join(packageFolder(), 'package.json'));

/**
 * All commands, ready to parse.
 *
 * @param json say nothing about wrong usage: it is said as JSON
 */
export function createProgram(json: boolean, runInSession: RunInSession): Command {
  const action: Action =
    (work) =>
    (...args) => {
      const command = args.at(-1) as Command;
      return runInSession(command.optsWithGlobals<GlobalOptions>(), (session) =>
        (work as Work<object, unknown[]>)(session, command.optsWithGlobals(), ...command.processedArgs),
      );
    };
  const program = new Command('provisioner')
    .description(
      'See, understand and repair what the provisioner does.\n\n' +
        'It talks to queue and records directly, with the settings of the functions (environment or local.settings.json; ' +
        'connection strings, or az login). Without settings, to the system that npm start has brought up.',
    )
    .version(version)
    .option('--json', 'the answer, and errors, as JSON on stdout')
    .option('--folder <path>', 'of a local system (npm start -- --folder); default .local, if nothing is set')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .addHelpText('after', exitCodesHelp)
    .helpCommand(false);
  for (const add of commands) add(program, action);
  for (const each of all(program)) {
    each.exitOverride().showHelpAfterError(`See: ${nameOf(each)} --help`);
    each.configureHelp({ showGlobalOptions: true }).allowExcessArguments(false);
    if (json) each.configureOutput({ writeErr: () => {} });
  }
  return program;
}

function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap(all)];
}

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}

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
