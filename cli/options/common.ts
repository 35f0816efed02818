import { hostname, userInfo } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';
import { serviceName, slug, uuid, uuidOrDigits } from '../../src/shared/schemas.js';
import { ShortUuid } from './ShortUuid.js';

/**
 * Parses the UUID of a device.
 *
 * @returns the full UUID in lower case, or the first digits
 * @throws InvalidArgumentError
 */
export function parseUuid(text: string): string | ShortUuid {
  const parsed = uuidOrDigits.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`The value ${parsed.error.issues[0]?.message}.`);
  return uuid.safeParse(parsed.data).success ? parsed.data : new ShortUuid(parsed.data);
}

/** Parses the slug of a fleet. @returns the slug in lower case @throws InvalidArgumentError */
export function parseSlug(text: string): string {
  const parsed = slug.safeParse(text.trim());
  if (parsed.success && /^[^/\s]+\/[^/\s]+$/.test(parsed.data)) return parsed.data;
  throw new InvalidArgumentError('The value must be the slug of a fleet, such as my_org/my_fleet.');
}

/** Parses the name of a service, or '' for the device level. @throws InvalidArgumentError */
export function parseService(text: string): string {
  const parsed = serviceName.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(`The value ${parsed.error.issues[0]?.message}.`);
}

/** Parses one of several slugs. @param others the slugs before this one */
export function parseSlugs(text: string, others: string[] = []): string[] {
  return [...others, parseSlug(text)];
}

/** Parses a decimal number above 0. @throws InvalidArgumentError */
export function parsePositive(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError('The value must be a number above 0.');
}

/** Parses a whole number above 0. @throws InvalidArgumentError */
export function parseCount(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value > 0 && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('The value must be a whole number above 0.');
}

/** The option `--yes`, for commands with a confirmation. */
export function yesOption(): Option {
  return new Option('-y, --yes', 'skip the confirmation');
}

/** The option `--by`: the operator's name in the audit log. */
export function byOption(): Option {
  return new Option('--by <name>', "the operator's name, for the audit log")
    .default(currentUser())
    .argParser(parseOperator);
}

function parseOperator(text: string): string {
  if (text.trim() !== '' && text.length <= 100) return text;
  throw new InvalidArgumentError('The name must have 1 to 100 characters.');
}

function currentUser(): string {
  try {
    return `${userInfo().username}@${hostname()}`.slice(0, 100);
  } catch {
    // A container may run under a user id without a name.
    return `uid ${process.getuid?.() ?? 'unknown'}@${hostname()}`.slice(0, 100);
  }
}

/** The examples at the end of a command's help. @param lines command lines; each may end with a comment after `#` */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
