import type { Ask } from '../history/Ask.js';
import { unknownService } from '../plan/Plan.js';

/** How long after the caller's timeout a request may still take effect: a stopped host continues with the request later. */
export const lateMs = 30_000;

/**
 * Lists the requests that may have been the last request at some time between two moments. A request takes effect at one
 * instant between sending and answer. A request without an answer may take effect up to `lateMs` later, or never. A request is
 * no candidate if an acknowledged request was sent after its end and was answered before `from`. A request for a service that does not
 * exist is refused, and then the request before counts again.
 *
 * @param until every request sent by then is considered
 * @param from every request answered by then has taken effect
 */
export function candidates(asks: readonly Ask[], from = Infinity, until = Infinity): Ask[] {
  const acknowledged = asks.filter(
    (ask) => ask.outcome.kind === 'accepted' && ask.answeredAt < from && !isRefusedLater(ask),
  );
  return asks.filter((ask) => {
    const { kind } = ask.outcome;
    if (kind === 'refused' || kind === 'unsent' || ask.sentAt > until) return false;
    const over = kind === 'unknown' ? ask.answeredAt + lateMs : ask.answeredAt;
    return !acknowledged.some((later) => later.sentAt > over && !sameRequest(ask, later));
  });
}

/** True for a request that is accepted, and refused by the worker. */
export function isRefusedLater({ wish }: Ask): boolean {
  return wish.operation === 'provision' && wish.service === unknownService;
}

/** True if the later request was answered with "already in progress". */
function sameRequest({ outcome: a }: Ask, { outcome: b }: Ask): boolean {
  return a.kind === 'accepted' && b.kind === 'accepted' && a.requestId === b.requestId;
}
