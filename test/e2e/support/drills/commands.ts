/** The commands in a text, between backticks or after `npx`, without placeholders replaced. */
export function commandsIn(text: string): string[] {
  return [...text.matchAll(/`(?:npx )?(provisioner [^`]+)`/g)].map(([, command = '']) => command);
}

/**
 * Splits a command into arguments, as a shell does.
 *
 * @param values for the placeholders `<…>`
 * @returns the arguments after the name of the program
 * @throws Error if a placeholder has no value
 */
export function argumentsOf(command: string, values: Record<string, string>): string[] {
  const filled = command.replaceAll(/<(\w+)>/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`"${command}" needs a value for <${name}>`);
    return value;
  });
  return [...filled.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').slice(1);
}
