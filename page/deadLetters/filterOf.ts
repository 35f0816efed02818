import type { ActionRequest } from '../../src/ops/bulk/plan.js';

export type DeadLetterFilter = NonNullable<ActionRequest['filter']>;

/** The filter of an action, of that of a list: there `code` has another name (see codeInQuery in opsRoutes.ts). */
export function filterOf({ errorCode, order: _, ...query }: Record<string, string>): DeadLetterFilter {
  // What is wrong in it is told by the API, in words.
  return { ...query, ...(errorCode && { code: errorCode }) } as DeadLetterFilter;
}

/** A filter of dead letters, or that of a rotation, as one line. */
export function filterText(
  filter: Record<string, string | undefined>,
  kind: ActionRequest['kind'] = 'replay',
): string {
  const all = kind === 'rotate' ? 'all devices' : 'all dead letters';
  const entries = Object.entries(filter).filter(([, value]) => value);
  return entries.length === 0 ? all : entries.map(([name, value]) => `${name} ${value}`).join(', ');
}
