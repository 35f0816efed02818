import { spawnSync } from 'node:child_process';
import type { Command } from 'commander';
import { completionScript } from '../../../cli/completion/script.js';
import { createProgram } from '../../../cli/createProgram.js';

/* The scripts run in the real shells. zsh and fish are not on every machine. */

const program = await createProgram({ json: false, runInSession: async () => {} });
type Shell = 'bash' | 'zsh' | 'fish';

function run(shell: Shell, args: string[]): string[] {
  const { stdout, stderr } = spawnSync(shell, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.split(/\s+/).filter(Boolean);
}

/** What a shell offers for the last word of a command line. */
const completes: Record<Shell, (...words: string[]) => string[]> = {
  bash: (...words) =>
    run('bash', [
      '-c',
      `${completionScript(program, 'bash')}
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _provisioner; echo "\${COMPREPLY[*]}"`,
      'bash',
      'provisioner',
      ...words,
    ]),
  // Without a line editor: the function gets the line, and `compadd` prints what the function offers for the last word.
  zsh(...words) {
    const script = `compdef() {}
      compadd() { shift; print -rl -- "$@" }
      ${completionScript(program, 'zsh')}
      LBUFFER="$1"; _provisioner`;
    const offered = run('zsh', ['-f', '-c', script, 'zsh', ['provisioner', ...words].join(' ')]);
    return offered.filter((each) => each.startsWith(words.at(-1) ?? ''));
  },
  fish: (...words) =>
    run('fish', [
      '--no-config',
      '-c',
      `${completionScript(program, 'fish')}
      complete -C "$argv[1]" | string replace -r '\\t.*' ''`,
      ['provisioner', ...words].join(' '),
    ]),
};

for (const shell of ['bash', 'zsh', 'fish'] as const) {
  const isThere = spawnSync(shell, ['--version']).error === undefined;
  test(`${shell} offers commands, options and the values of options`, () => {
    if (!isThere) {
      console.warn(`NOT CHECKED: the completion of ${shell}, because this machine does not have ${shell}.`);
      return;
    }
    const offered = (...words: string[]) => completes[shell](...words).sort();
    expect(offered('de')).toEqual(['dead-letters', 'deprovision']);
    expect(offered('dead-letters', 're')).toEqual(['replay']);
    expect(offered('--json', 'actions', '')).toEqual(expect.arrayContaining(['list', 'show', 'cancel']));
    expect(offered('list', '--state', 'p')).toEqual(['provisioned']);
    expect(offered('list', '--fleet', 'x')).toEqual([]);
    expect(offered('completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
    expect(offered('watch', '--o')).toEqual(['--once']);
  });
}

function leafCommands(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leafCommands);
}

test.each(['bash', 'zsh', 'fish'] as const)('the script of %s has every command and option', (shell) => {
  const script = completionScript(program, shell);
  for (const command of leafCommands(program)) {
    expect(script).toContain(command.name());
    for (const { long } of command.options) expect(script).toContain(long?.slice(2));
  }
});
