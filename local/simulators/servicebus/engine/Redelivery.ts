import type { QueueRecord } from '../store/MessageStore.js';
import { BrokerError } from './BrokerError.js';
import type { DeadLetterPayload } from './dependencies.js';
import type { Message } from './Message.js';
import type { MessageTable } from './MessageTable.js';
import type { Rewrite } from './Queue.js';

const unlocked = { lockToken: undefined, lockedUntil: undefined } as const;

/** What becomes of messages that were not completed. */
export class Redelivery {
  readonly #queue: QueueRecord;
  readonly #messages: MessageTable;
  readonly #deadLetterPayload: DeadLetterPayload;

  constructor(queue: QueueRecord, messages: MessageTable, deadLetterPayload: DeadLetterPayload) {
    this.#queue = queue;
    this.#messages = messages;
    this.#deadLetterPayload = deadLetterPayload;
  }

  /** A delivery failed: the message is available again, or a dead letter if that was its last. */
  failDelivery(message: Message, rewrite?: Rewrite): void {
    const deliveryCount = message.deliveryCount + 1;
    this.#messages.change(message, {
      ...unlocked,
      state: 'available',
      deliveryCount,
      ...this.#rewritten(message, rewrite),
    });
    // A dead letter stays where it is, however often it is abandoned.
    if (message.deadLettered || deliveryCount < this.#queue.properties.maxDeliveryCount) return;
    this.#buryBecause(
      message,
      'MaxDeliveryCountExceeded',
      `Message could not be consumed after ${deliveryCount} delivery attempts.`,
    );
  }

  /** The message's time to live is over. */
  expire(message: Message): void {
    if (!this.#queue.properties.deadLetterOnExpiry) this.#messages.change(message, { state: 'gone' });
    else this.#buryBecause(message, 'TTLExpiredException', 'The message expired and was dead lettered.');
  }

  /** Makes it a dead letter. It keeps its sequence number and its delivery count, and does not expire any more. */
  deadLetter(message: Message, rewrite?: Rewrite): void {
    if (message.deadLettered) {
      throw new BrokerError('not-allowed', 'A message in the dead-letter queue cannot be dead-lettered.');
    }
    this.#messages.change(message, {
      ...unlocked,
      ...this.#rewritten(message, rewrite),
      state: 'available',
      deadLettered: true,
      expiresAt: undefined,
    });
  }

  #buryBecause(message: Message, reason: string, description: string): void {
    this.deadLetter(message, (payload) => this.#deadLetterPayload(payload, reason, description));
  }

  #rewritten(message: Message, rewrite: Rewrite | undefined): Pick<Message, 'payload' | 'size'> | undefined {
    if (!rewrite) return undefined;
    const payload = rewrite(this.#messages.payload(message));
    return { payload, size: payload.length };
  }
}
