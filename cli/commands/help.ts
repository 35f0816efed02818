import { Argument, type Command } from 'commander';

/** Builds the parser with the module of one command, or, without a name, with the modules of all commands. */
export type Create = (name?: string) => Promise<Command>;

/** Adds `help <command>`, which prints the same text as `<command> --help`. */
export function addHelp(program: Command, create: Create): void {
  program
    .command('help')
    .summary('show the help of a command')
    .description('Shows the help of a command. The option --help of the command shows the same text.')
    .argument('[command...]', 'the names of the command, such as dead-letters replay')
    .addHelpText('after', '\nExamples:\n  provisioner help list\n  provisioner help dead-letters replay')
    .action(async (names: string[]) => {
      let found = names.length === 0 ? program : await create(names[0]);
      for (const name of names) {
        const next = found.commands.find((each) => each.name() === name);
        if (!next) program.error(`error: unknown command '${names.join(' ')}'`, { exitCode: 2 });
        found = next;
      }
      found.outputHelp();
    });
}

/** Adds `completion <shell>`, which prints the script for a shell. */
export function addCompletion(program: Command, create: Create): void {
  program
    .command('completion')
    .summary('print the completion script of a shell')
    .description(
      'Prints a script that completes commands, options and their values. The script is made from the commands of this version.',
    )
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  provisioner completion bash > ~/.provisioner-completion # for ~/.bashrc\n' +
        '  provisioner completion zsh > ~/.zfunc/_provisioner # fpath+=~/.zfunc\n' +
        '  provisioner completion fish > ~/.config/fish/completions/provisioner.fish',
    )
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionScript } = await import('../completion/script.js');
      program.configureOutput().writeOut?.(completionScript(await create(), shell));
    });
}
