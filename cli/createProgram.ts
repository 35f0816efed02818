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
import { ShortUuid } from './options/common.js';
import { packageFolder } from './session/findSystem.js';
import type { GlobalOptions, Session } from './session/session.js';

const { version } = createRequire(import.meta.url)(join(packageFolder(), 'package.json'));

/** The help lists the commands in this order. */
const commands: AddCommand[] = [
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

/**
 * Builds the parser with all commands.
 *
 * @param json true if Commander must not print usage errors, because the caller prints them as JSON
 * @param runInSession opens a session, runs the command and closes the session
 */
export function createProgram(json: boolean, runInSession: RunInSession): Command {
  const action: Action =
    (work) =>
    (...args) => {
      const command = args.at(-1) as Command;
      return runInSession(command.optsWithGlobals<GlobalOptions>(), async (session) => {
        const [options, args] = await withFullUuids(session, command);
        return (work as Work<object, unknown[]>)(session, options, ...args);
      });
    };
  const program = new Command('provisioner')
    .description(
      'Shows and repairs the state of the provisioner.\n\n' +
        'The command connects directly to the queue and the records, with the settings of the functions (environment or ' +
        'local.settings.json; connection strings, or az login). Without settings, the command connects to the system of npm start.',
    )
    .version(version)
    .option('--json', 'print the result, and errors, as JSON on stdout')
    .option(
      '--folder <path>',
      'use the local system in this folder (npm start -- --folder); default without settings: .local',
    )
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .addHelpText('after', exitCodesHelp)
    .helpCommand(false);
  for (const add of commands) add(program, action);
  for (const each of withSubcommands(program)) {
    each.exitOverride().showHelpAfterError(`See: ${fullName(each)} --help`);
    each.configureHelp({ showGlobalOptions: true }).allowExcessArguments(false);
    if (json) each.configureOutput({ writeErr: () => {} });
  }
  return program;
}

/** Replaces the first digits of a UUID by the full UUID, in the options and the arguments of a command. */
async function withFullUuids(session: Session, command: Command): Promise<[object, unknown[]]> {
  const full = async (value: unknown) => {
    if (!(value instanceof ShortUuid)) return value;
    // The import is here, because help and usage errors do not need this module.
    const { resolveUuid } = await import('../src/ops/devices/resolve.js');
    return resolveUuid((await session.app()).records, value.digits);
  };
  const options: object = command.optsWithGlobals();
  const entries = Object.entries(options).map(async ([name, value]) => [name, await full(value)]);
  return [Object.fromEntries(await Promise.all(entries)), await Promise.all(command.processedArgs.map(full))];
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}
