import type { Summary } from '../../record/Summary.js';
import type { Overview } from '../Overview.js';

/** What fails and where, the most frequent first: what failed for good (and is not discarded), and what is being retried. */
export function countFailures(records: readonly Summary[]): Overview['failures'] {
  const causes = new Map<string, Overview['failures'][number]>();
  for (const { code, step, ticket } of records) {
    if (code === null || !ticket || ticket.discarded) continue;
    const key = `${code} ${step}`;
    const cause = causes.get(key) ?? { code, step, failed: 0, retrying: 0 };
    cause[ticket.deadAt === null ? 'retrying' : 'failed'] += 1;
    causes.set(key, cause);
  }
  return [...causes.values()].sort((a, b) => b.failed + b.retrying - (a.failed + a.retrying));
}
