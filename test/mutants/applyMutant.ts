import type { Mutant } from './Mutant.js';

/**
 * The source with the mutant's fault in it.
 *
 * @throws Error if the mutant's text does not occur exactly once: the source has changed, and the list must follow
 */
export function applyMutant(source: string, { id, file, text, replacement }: Mutant): string {
  const parts = source.split(text);
  if (parts.length !== 2) throw new Error(`${id}: its text occurs ${parts.length - 1} times in ${file}`);
  return parts.join(replacement);
}
