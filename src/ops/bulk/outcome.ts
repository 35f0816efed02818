import type { Action } from './schema.js';

/** The outcome of an action until now, as text: "120 succeeded, 3 failed again", or the answer to a single request. */
export function outcomeOf({ answer, counts, kind }: Pick<Action, 'answer' | 'counts' | 'kind'>): string {
  if (answer !== null) return answer;
  const { succeeded, failed, cancelled, superseded, underWay } = counts;
  const parts: [number, string][] = [
    [succeeded, kind === 'discard' ? 'discarded' : 'succeeded'],
    [failed, kind === 'replay' ? 'failed again' : 'failed'],
    [cancelled, 'cancelled'],
    [superseded, 'superseded'],
    [underWay, 'under way'],
  ];
  const shown = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return shown.join(', ') || 'no results yet';
}
