import type { DeviceEvidence } from './check/Evidence.js';
import type { Plan } from './plan/Plan.js';
import type { Settled } from './system/settle.js';

/** Summarizes a run in a few lines. */
export function summarize(plan: Plan, evidence: readonly DeviceEvidence[], end: Settled): string {
  const count = (names: string[]) => {
    const counts = new Map<string, number>();
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
    return [...counts].map(([name, index]) => `${index} ${name}`).join(', ') || 'none';
  };
  const asks = evidence.flatMap((each) => each.asks);
  const strikes = plan.events.flatMap((event) =>
    'victim' in event ? [`${event.kind} of ${event.victim}`] : [],
  );
  const faults = plan.events.filter((event) => event.kind === 'faults' && event.faults.length > 0);
  const slowest = Math.max(0, ...asks.map(({ sentAt, answeredAt }) => answeredAt - sentAt));
  return [
    `seed ${plan.seed}: ${Math.round(plan.lengthMs / 1_000)} s with ${plan.devices.length} devices`,
    `  requests ${asks.length}: ${count(asks.map(({ outcome }) => outcome.kind))}; the slowest took ${(slowest / 1_000).toFixed(1)} s`,
    `  struck   ${count(strikes)}; ${faults.length} times with faults`,
    `  ended    ${count(evidence.map(({ view }) => (view?.error && view.state === 'failed' ? `failed (${view.error.code})` : (view?.state ?? 'never requested'))))}`,
    `  dead     ${evidence.flatMap(({ deadLetters }) => deadLetters).length} in the dead-letter queue, superseded and double ones included`,
    `  settled  in ${Math.round(end.tookMs / 1_000)} s; ${end.sentByTimer} messages were sent by the timer`,
  ].join('\n');
}
