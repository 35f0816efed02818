import type { ActionRequest } from '../../src/ops/bulk/plan.js';
import type { Action } from '../../src/ops/bulk/schema.js';

/** The filter of a plan. */
export type DeadLetterFilter = NonNullable<ActionRequest['filter']>;

/**
 * The filter of an action from the query of a list. In a query the error code is called `errorCode`, because the parameter `code` may hold
 * a function key (see `routes.ts`).
 */
export function filterOf({ errorCode, order: _, ...query }: Record<string, string>): DeadLetterFilter {
  // The filter is not checked here: the API checks the filter, and explains errors.
  return { ...query, ...(errorCode && { code: errorCode }) } as DeadLetterFilter;
}

/** A filter of dead letters or of a rotation as one line. */
export function filterText(
  filter: Record<string, string | undefined>,
  kind: Action['kind'] = 'replay',
): string {
  const all = kind === 'rotate' ? 'all devices' : 'all dead letters';
  const entries = Object.entries(filter).filter(([, value]) => value);
  return entries.length === 0 ? all : entries.map(([name, value]) => `${name} ${value}`).join(', ');
}
