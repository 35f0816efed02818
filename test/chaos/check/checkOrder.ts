import type { Ask } from '../history/Ask.js';
import type { Wish } from '../plan/Plan.js';
import { candidates, isRefusedLater } from './candidates.js';
import type { DeviceEvidence, View, Violation } from './Evidence.js';

/** The last acknowledged request decides. A request without an answer may have come later, or never. */
export function checkOrder({ device: { uuid }, asks, view }: DeviceEvidence): Violation[] {
  const accepted = asks.filter(({ outcome }) => outcome.kind === 'accepted');
  const order = (what: string): Violation => ({ uuid, rule: 'order', what });
  const found = [...wrongOperations(asks), ...comebacks(accepted)].map(order);
  if (!view)
    return accepted.length > 0 ? [...found, order('was accepted, and there is no record of it')] : found;

  const last = candidates(asks);
  const known = last.find(
    ({ outcome }) => outcome.kind === 'accepted' && outcome.requestId === view.requestId,
  );
  const stale = accepted.some(
    ({ outcome }) => outcome.kind === 'accepted' && outcome.requestId === view.requestId,
  );
  const lost = stale
    ? undefined
    : last.find(({ outcome, wish }) => outcome.kind === 'unknown' && fits(wish, view));
  if (!known && !lost) {
    found.push(
      order(
        stale
          ? `ended as the request ${view.requestId} says, although a later one was accepted`
          : `ended with a request that nobody sent last: ${view.operation} ${view.service} ${view.requestId}`,
      ),
    );
  } else if (known && !fits(known.wish, view)) {
    found.push(
      order(`the request ${view.requestId} was for something else than ${view.operation} ${view.service}`),
    );
  }
  return found;
}

function fits(wish: Wish, { operation, service }: View): boolean {
  if (wish.operation === 'deprovision') return operation === 'deprovision';
  return operation === 'provision' && service === wish.service;
}

function wrongOperations(asks: readonly Ask[]): string[] {
  return asks.flatMap(({ wish, outcome }) =>
    outcome.kind === 'accepted' && outcome.operation !== wish.operation
      ? [`asked for ${wish.operation}, and ${outcome.operation} was accepted (${outcome.requestId})`]
      : [],
  );
}

/**
 * A request that was replaced by an acknowledged request must not become the current request again, unless the later request was refused.
 */
function comebacks(accepted: readonly Ask[]): string[] {
  const idOf = ({ outcome }: Ask) => (outcome.kind === 'accepted' ? outcome.requestId : '');
  return accepted.flatMap((again) => {
    const between = accepted.filter(
      (ask) => ask.answeredAt < again.sentAt && idOf(ask) !== idOf(again) && !isRefusedLater(ask),
    );
    const before = accepted.filter((ask) => idOf(ask) === idOf(again));
    const back = between.some(({ sentAt }) => before.some(({ answeredAt }) => answeredAt < sentAt));
    return back ? [`the request ${idOf(again)} came back after it had been replaced`] : [];
  });
}
