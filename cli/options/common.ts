import { hostname, userInfo } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';
import { uuid } from '../../src/shared/schemas.js';

export function parseUuid(text: string): string {
  const parsed = uuid.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(`It ${parsed.error.issues[0]?.message}.`);
}

export function parsePositive(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

export function parseCount(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value > 0 && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It must be a whole number above 0.');
}

/** For whatever would ask. */
export function yesOption(): Option {
  return new Option('-y, --yes', 'do not ask');
}

/** Who does it, for the audit. */
export function byOption(): Option {
  return new Option('--by <name>', 'who does it, for the audit').default(whoAmI());
}

function whoAmI(): string {
  try {
    return `${userInfo().username}@${hostname()}`.slice(0, 100);
  } catch {
    // A container may run under an id without a name.
    return `uid ${process.getuid?.() ?? 'unknown'}@${hostname()}`.slice(0, 100);
  }
}

/** The examples at the end of a help. @param lines each a command, with what it does after a # */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
