import { InvalidArgumentError } from 'commander';

/** Parses a whole number on the command line, for commander. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
