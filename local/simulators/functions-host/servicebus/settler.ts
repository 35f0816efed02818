import { setImmediate } from 'node:timers/promises';
import {
  isServiceBusError,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
} from '@azure/service-bus';

/** Settles messages, even after the connection of a message has been lost. */
export interface Settler {
  complete(message: ServiceBusReceivedMessage): Promise<void>;
  /** Returns the message to the queue at once. */
  abandon(message: ServiceBusReceivedMessage): Promise<void>;
  deadLetter(message: ServiceBusReceivedMessage, reason: string, description: string): Promise<void>;
  /** @returns the new end of the lock */
  renewLock(message: ServiceBusReceivedMessage): Promise<Date>;
}

/**
 * Creates a settler for the messages of one receiver.
 *
 * After a reconnect the SDK (7.9.5) still settles older messages over their dead link. The SDK then waits for an answer
 * forever, or takes an answer for a newer message with the same delivery number. A second client does not know the dead
 * link, and therefore settles by lock token at the queue's management node.
 *
 * @param receiver the receiver of the messages
 * @param spare a receiver of the same queue from another ServiceBusClient
 */
export function createSettler(receiver: ServiceBusReceiver, spare: ServiceBusReceiver): Settler {
  let turn: Promise<unknown> = Promise.resolve();
  const settle = async (
    message: ServiceBusReceivedMessage,
    act: (by: ServiceBusReceiver) => Promise<void>,
  ) => {
    // Each settlement waits for its own turn of the event loop. In a shared turn, rhea (3.0.5) gives neighbouring
    // deliveries the outcome of the first delivery. A message to be abandoned would then be completed, and lost.
    turn = turn.then(() => setImmediate());
    await turn;
    if (!isLinkOpen(message)) return act(spare);
    try {
      await act(receiver);
    } catch (error) {
      // The connection may have been lost during the call. A lost lock is final, so a second attempt makes no sense.
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

/**
 * Reads the link of a message. The link exists at run time, but not in the SDK's types. A message without a link counts as
 * open.
 */
function isLinkOpen(
  message: ServiceBusReceivedMessage & { delivery?: { link?: { is_open?(): boolean } } },
): boolean {
  return message.delivery?.link?.is_open?.() ?? true;
}

/** A message of a running function. The function can settle the message until the function ends. */
export interface MessageUnderProcessing {
  message: ServiceBusReceivedMessage;
  settler: Settler;
  /** The function's own settlement through the Settlement service. */
  settled?: 'completed' | 'abandoned' | 'dead-lettered';
}

/** Messages of running functions by lock token. */
export type UnderProcessing = Map<string, MessageUnderProcessing>;

/** A lock is renewed at most this long before its end, as in the .NET SDK. */
const aheadMs = 10_000;

/**
 * Renews a message's lock repeatedly. The SDK's own renewal would continue after a settlement over another connection.
 *
 * @param forMs total duration; afterwards the lock expires
 * @param onLost called once if a renewal fails
 * @returns a function that stops the renewal
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
