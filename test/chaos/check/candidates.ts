import type { Ask } from '../history/Ask.js';

/** How long after its caller gave up a request may still take effect: a host that was stopped goes on with it. */
export const lateMs = 30_000;

/**
 * Which requests may have been the last one at some time between two moments. A request takes effect at one instant between its
 * sending and its answer; one whose answer was lost may have, up to `lateMs` later, and may never. So it may be the last one unless
 * an acknowledged one was sent after it must have been over, and was answered before.
 *
 * @param until everything sent by then counts
 * @param from everything that was answered by then has happened
 */
export function candidates(asks: readonly Ask[], from = Infinity, until = Infinity): Ask[] {
  const acknowledged = asks.filter(
    ({ outcome, answeredAt }) => outcome.kind === 'accepted' && answeredAt < from,
  );
  return asks.filter((ask) => {
    const { kind } = ask.outcome;
    if (kind === 'refused' || kind === 'unsent' || ask.sentAt > until) return false;
    const over = kind === 'unknown' ? ask.answeredAt + lateMs : ask.answeredAt;
    return !acknowledged.some((later) => later.sentAt > over && !sameRequest(ask, later));
  });
}

/** Was the later one told that it is under way already? */
function sameRequest({ outcome: a }: Ask, { outcome: b }: Ask): boolean {
  return a.kind === 'accepted' && b.kind === 'accepted' && a.requestId === b.requestId;
}
