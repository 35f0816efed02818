import type { Clock } from './clock.js';

/** The messages that this process has sent within the last minute. */
export interface SentRecently {
  has(messageId: string): boolean;
  add(messageId: string): void;
}

const forgetAfterMs = 60_000;
/** About ten megabytes. What is forgotten early is sent once more, and dropped by the queue. */
const most = 100_000;

export function rememberSent(clock: Clock): SentRecently {
  // A Map keeps the order of insertion: the oldest come first.
  const sent = new Map<string, number>();
  const forget = (now: number) => {
    for (const [messageId, at] of sent) {
      if (now - at < forgetAfterMs && sent.size <= most) return;
      sent.delete(messageId);
    }
  };
  return {
    has(messageId) {
      const at = sent.get(messageId);
      return at !== undefined && clock.now() - at < forgetAfterMs;
    },
    add(messageId) {
      const now = clock.now();
      sent.delete(messageId);
      sent.set(messageId, now);
      forget(now);
    },
  };
}
