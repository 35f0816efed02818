import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Action, RunInSession, Work } from './commands/command.js';
import { addCompletion, addHelp, type Create } from './commands/help.js';
import { commandTable } from './commands/table.js';
import { exitCodesHelp } from './exitCodes.js';
import { ShortUuid } from './options/ShortUuid.js';
import { packageFolder } from './session/packageFolder.js';
import type { GlobalOptions, Session } from './session/session.js';

const { version } = createRequire(import.meta.url)(join(packageFolder(), 'package.json'));

/** The options of a program. */
export interface ProgramOptions {
  /** True if Commander must not print usage errors, because the caller prints them as JSON. */
  json: boolean;
  /** Opens a session, runs the command and closes the session. */
  runInSession: RunInSession;
  /** The command line: only the module of its command is loaded. The other commands have name and summary. Default: all are loaded. */
  args?: readonly string[];
}

/** Builds the parser with all commands. */
export async function createProgram({ json, runInSession, args }: ProgramOptions): Promise<Command> {
  const action: Action =
    (work) =>
    (...given) => {
      const command = given.at(-1) as Command;
      return runInSession(command.optsWithGlobals<GlobalOptions>(), async (session) => {
        const [options, full] = await withFullUuids(session, command);
        return (work as Work<object, unknown[]>)(session, options, ...full);
      });
    };
  const create: Create = (name) =>
    createProgram({ json, runInSession, ...(name !== undefined && { args: [name] }) });
  const program = new Command('provisioner')
    .description(
      'For operators of the balena → Azure IoT Hub provisioner: shows devices, failed requests and the state of the whole system, and repairs them. ' +
        'A first look: provisioner status, then provisioner doctor.\n\n' +
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
  const wanted = args && commandOf(args);
  for (const { name, summary, load } of commandTable) {
    if (wanted === undefined || wanted === name) (await load())(program, action);
    else program.command(name).summary(summary);
  }
  addCompletion(program, create);
  addHelp(program, create);
  for (const each of withSubcommands(program)) {
    each
      .exitOverride()
      .helpCommand(false)
      .showHelpAfterError(`See: ${fullName(each)} --help`);
    each.configureHelp({ showGlobalOptions: true }).allowExcessArguments(false);
    if (json) each.configureOutput({ writeErr: () => {} });
  }
  return program;
}

/** The name of the command in a command line: the first word that is no global option. An empty text without a command. */
function commandOf(args: readonly string[]): string {
  const words = args.filter((word, index) => !word.startsWith('-') && args[index - 1] !== '--folder');
  return words[0] ?? '';
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
