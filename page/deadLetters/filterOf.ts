import type { ActionRequest } from '../../src/ops/bulk/plan.js';

export type DeadLetterFilter = NonNullable<ActionRequest['filter']>;

/**
 * The filter of an action from the query of a list. The query calls the cause `errorCode`: there, `code` may hold a function
 * key (see `routes.ts`).
 */
export function filterOf({ errorCode, order: _, ...query }: Record<string, string>): DeadLetterFilter {
  // The API checks the filter and explains errors in it.
  return { ...query, ...(errorCode && { code: errorCode }) } as DeadLetterFilter;
}

/** A filter of dead letters or of a rotation as one line. */
export function filterText(
  filter: Record<string, string | undefined>,
  kind: ActionRequest['kind'] = 'replay',
): string {
  const all = kind === 'rotate' ? 'all devices' : 'all dead letters';
  const entries = Object.entries(filter).filter(([, value]) => value);
  return entries.length === 0 ? all : entries.map(([name, value]) => `${name} ${value}`).join(', ');
}
