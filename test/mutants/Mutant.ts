/** A deliberate fault in the product, beside the broken rule. */
export interface Mutant {
  /** A short name, unique among all mutants. */
  id: string;
  /** The broken rule of docs/protocol.md. */
  rule: string;
  /** The source file, from the root of the repository. */
  file: string;
  /** The exact source text. The text must occur once in the file. */
  text: string;
  replacement: string;
  /** Tests to run first, from the root of the repository. */
  first?: readonly string[];
  /** The reason why no test can tell the mutant from the product: the mutant may survive. */
  equivalent?: string;
}

/** Mutants of a source file. Each mutant is: id, rule, source text, replacement, and further fields. */
export function mutantsOf(
  file: string,
  list: readonly (readonly [
    id: string,
    rule: string,
    text: string,
    replacement: string,
    more?: Pick<Mutant, 'first' | 'equivalent'>,
  ])[],
): Mutant[] {
  return list.map(([id, rule, text, replacement, more]) => ({ id, rule, file, text, replacement, ...more }));
}
