import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { Settler } from './createSettler.js';

/** How long before its end a lock is renewed, at the earliest; the .NET SDK does it so. */
const aheadMs = 10_000;

/**
 * Renews a message's lock again and again. The SDK's own renewal would go on after a message was settled over another connection.
 *
 * @param forMs how long; after that the lock runs out by itself
 * @param onLost called once, when it could not be renewed
 * @returns stops it
 */
export function keepLock(
  message: ServiceBusReceivedMessage,
  settler: Pick<Settler, 'renewLock'>,
  { forMs, onLost }: { forMs: number; onLost(error: unknown): void },
): () => void {
  const end = Date.now() + forMs;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const wait = (lockedUntil: Date | undefined) => {
    if (stopped || !lockedUntil || lockedUntil.getTime() >= end) return;
    const left = lockedUntil.getTime() - Date.now();
    timer = setTimeout(renew, Math.max(0, left - Math.min(left / 2, aheadMs)));
  };
  const renew = async () => {
    try {
      wait(await settler.renewLock(message));
    } catch (error) {
      if (!stopped) onLost(error);
    }
  };
  wait(message.lockedUntilUtc);

  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
