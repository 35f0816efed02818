/** A fault that is put into the product on purpose, beside the rule that the fault breaks. */
export interface Mutant {
  /** A short name, unique among all mutants. */
  id: string;
  /** The rule of docs/protocol.md that no longer holds. */
  rule: string;
  /** The source file, from the root of the repository. */
  file: string;
  /** The exact source text. It must occur once in the file. */
  text: string;
  replacement: string;
  /** Tests to run first, from the root of the repository. */
  first?: readonly string[];
  /** Why no test can tell the mutant from the product. Such a mutant may survive. */
  equivalent?: string;
}

/** Mutants of one source file. Each one is: id, rule, source text, replacement, and what is special about the mutant. */
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
