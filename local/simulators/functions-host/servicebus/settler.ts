import { setImmediate } from 'node:timers/promises';
import {
  isServiceBusError,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
} from '@azure/service-bus';

/** Settles messages, also those that came over a connection that is gone. */
export interface Settler {
  complete(message: ServiceBusReceivedMessage): Promise<void>;
  /** Back into the queue, at once. */
  abandon(message: ServiceBusReceivedMessage): Promise<void>;
  deadLetter(message: ServiceBusReceivedMessage, reason: string, description: string): Promise<void>;
  /** @returns until when it is locked now */
  renewLock(message: ServiceBusReceivedMessage): Promise<Date>;
}

/**
 * @param receiver where the messages come from
 * @param spare a receiver of the same queue that belongs to another ServiceBusClient. After a reconnect the SDK (7.9.5) still settles
 *   older messages over their link, which is dead, and waits for an answer that cannot come; or takes the answer for a newer
 *   message with the same delivery number. A client that does not know the link asks the queue's management node by lock token.
 */
export function createSettler(receiver: ServiceBusReceiver, spare: ServiceBusReceiver): Settler {
  let turn: Promise<unknown> = Promise.resolve();
  const settle = async (
    message: ServiceBusReceivedMessage,
    act: (by: ServiceBusReceiver) => Promise<void>,
  ) => {
    // Each in a turn of the event loop of its own: rhea (3.0.5) gives neighbours that are settled in the same tick the outcome of the
    // first of them, so that a message which is to be abandoned would be completed, and lost.
    turn = turn.then(() => setImmediate());
    await turn;
    if (!isLinkOpen(message)) return act(spare);
    try {
      await act(receiver);
    } catch (error) {
      // The connection may have gone in the middle. A lock that is lost, though, is lost everywhere.
      if (isLinkOpen(message) || (isServiceBusError(error) && error.code === 'MessageLockLost')) throw error;
      await act(spare);
    }
  };
  return {
    complete: (message) => settle(message, (by) => by.completeMessage(message)),
    abandon: (message) => settle(message, (by) => by.abandonMessage(message)),
    deadLetter: (message, deadLetterReason, deadLetterErrorDescription) =>
      settle(message, (by) =>
        by.deadLetterMessage(message, { deadLetterReason, deadLetterErrorDescription }),
      ),
    renewLock: (message) => spare.renewMessageLock(message),
  };
}

/** The SDK's messages know their link; only its types do not say so. Without one, it is taken for open. */
function isLinkOpen(
  message: ServiceBusReceivedMessage & { delivery?: { link?: { is_open?(): boolean } } },
): boolean {
  return message.delivery?.link?.is_open?.() ?? true;
}

/** A message that a function is working on; it can be settled until the function ends. */
export interface MessageUnderProcessing {
  message: ServiceBusReceivedMessage;
  settler: Settler;
  /** What the function had done to it through the Settlement service, in the past tense. */
  settled?: 'completed' | 'abandoned' | 'dead-lettered';
}

/** By lock token. */
export type UnderProcessing = Map<string, MessageUnderProcessing>;

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
