import type { Command } from 'commander';

/** A place of the command line: the words of a command, with the words that can follow. */
interface Place {
  /** The names of the command, for example "dead-letters replay"; empty for the program. */
  path: string;
  /** Subcommands, values of arguments, and options. */
  words: string[];
  /** The values that may follow an option. An option with a free value has no values. */
  values: { flags: string[]; values: readonly string[] }[];
}

/** The script that completes a command line. The values are words without spaces, so no value needs quotes. */
export function completionScript(program: Command, shell: 'bash' | 'zsh' | 'fish'): string {
  const places = placesOf(program, [], program);
  if (shell === 'fish') return fish(places);
  return shell === 'bash' ? bash(places) : zsh(places);
}

function placesOf(command: Command, path: string[], program: Command): Place[] {
  const options = command === program ? command.options : [...command.options, ...program.options];
  const flagsOf = ({ short, long }: { short?: string; long?: string }) =>
    [long, short].filter((flag) => flag !== undefined);
  const own: Place = {
    path: path.join(' '),
    words: [
      ...command.commands.map((each) => each.name()),
      ...command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
      ...options.flatMap((option) => flagsOf(option)),
      '--help',
    ],
    values: options
      .filter((option) => option.required || option.optional)
      .map((option) => ({ flags: flagsOf(option), values: option.argChoices ?? [] })),
  };
  return [own, ...command.commands.flatMap((each) => placesOf(each, [...path, each.name()], program))];
}

/** The body that bash and zsh share: sets `words` to the words that can follow. */
function body(places: readonly Place[]): string {
  const steps = places.filter(({ path }) => path !== '').map(({ path }) => `"${path}"`);
  const values = places.flatMap(({ path, values: all }) =>
    all.flatMap(({ flags, values: each }) =>
      flags.map((flag) => `    "${path} ${flag}") words="${each.join(' ')}" ;;`),
    ),
  );
  const words = places.map(({ path, words: each }) => `    "${path}") words="${each.join(' ')}" ;;`);
  return `  for word in "\${before[@]}"; do
    case "\${place:+$place }$word" in
      ${steps.join('|')}) place="\${place:+$place }$word" ;;
    esac
  done
  case "$place $previous" in
${values.join('\n')}
    *) case "$place" in
${words.map((line) => `  ${line}`).join('\n')}
    esac ;;
  esac`;
}

function bash(places: readonly Place[]): string {
  return `# Completion of provisioner for bash.
_provisioner() {
  local word place="" words="" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
${body(places)}
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _provisioner provisioner
`;
}

function zsh(places: readonly Place[]): string {
  return `#compdef provisioner
# Completion of provisioner for zsh.
_provisioner() {
  local word place="" words="" previous="\${(Q)\${(z)LBUFFER}[-1]}"
  local -a before=("\${(@)\${(z)LBUFFER}[2,-1]}")
  [[ "$LBUFFER" != *" " ]] && { before=("\${(@)before[1,-2]}"); previous="\${before[-1]}"; }
${body(places)}
  compadd -- \${=words}
}
if [ "$funcstack[1]" = "_provisioner" ]; then _provisioner "$@"; else compdef _provisioner provisioner; fi
`;
}

function fish(places: readonly Place[]): string {
  const steps = places.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  const lines = places.flatMap(({ path, words, values }) => {
    const here = `complete -c provisioner -n 'test (__provisioner_place) = "${path}"'`;
    const free = new Map(
      values.flatMap(({ flags, values: each }) => flags.map((flag) => [flag, each] as const)),
    );
    return words.map((word) => {
      if (!word.startsWith('-')) return `${here} -f -a ${word}`;
      const name = word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
      const choices = free.get(word);
      if (choices === undefined) return `${here} ${name}`;
      if (choices.length > 0) return `${here} ${name} -x -a '${choices.join(' ')}'`;
      // Only this option has the name of a file as its value.
      return `${here} ${name} ${word === '--folder' ? '-r' : '-x'}`;
    });
  });
  return `# Completion of provisioner for fish.
function __provisioner_place
  set -l place ''
  for word in (commandline -opc)[2..-1]
    set -l next (string trim "$place $word")
    contains -- $next ${steps.join(' ')}; and set place $next
  end
  echo "$place"
end
${lines.join('\n')}
`;
}
