import type { Filter, Literal } from './query.js';

/** `name eq value` */
export function equals(name: string, value: Literal): Filter {
  return {
    kind: 'compare',
    operator: 'eq',
    left: { kind: 'path', path: [name] },
    right: { kind: 'literal', value },
  };
}
