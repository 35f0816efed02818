/** The examples at the end of a help. @param lines each a command, with what it does after a # */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
