import type { QueueRecord } from '../store/MessageStore.js';
import { BrokerError } from './BrokerError.js';
import type { PayloadChanges } from './dependencies.js';
import type { Message, Rewrite } from './Message.js';
import type { MessageTable } from './MessageTable.js';

const unlocked = { lockToken: undefined, lockedUntil: undefined } as const;

/** Handles messages that a consumer did not complete: redelivery, dead-lettering and expiry. */
export class Redelivery {
  readonly #queue: QueueRecord;
  readonly #messages: MessageTable;
  readonly #payloads: PayloadChanges;

  constructor(queue: QueueRecord, messages: MessageTable, payloads: PayloadChanges) {
    this.#queue = queue;
    this.#messages = messages;
    this.#payloads = payloads;
  }

  /** Makes the message available again. The delivery does not count. */
  release(message: Message, rewrite?: Rewrite): void {
    this.#messages.change(message, {
      ...unlocked,
      state: 'available',
      ...this.#rewritten(message, rewrite),
    });
  }

  /**
   * Counts a failed delivery. The message becomes available again. After `maxDeliveryCount` failed deliveries, the message
   * becomes a dead letter. Deliveries from the dead-letter queue do not count.
   */
  failDelivery(message: Message, rewrite?: Rewrite): void {
    this.release(message, rewrite);
    if (message.deadLettered) return;
    const deliveryCount = message.deliveryCount + 1;
    this.#messages.change(message, { deliveryCount });
    if (deliveryCount < this.#queue.properties.maxDeliveryCount) return;
    this.#deadLetterBecause(
      message,
      'MaxDeliveryCountExceeded',
      `Message could not be consumed after ${deliveryCount} delivery attempts.`,
    );
  }

  /** Ends a message whose time to live is over: dead-letters or removes the message, depending on `deadLetterOnExpiry`. */
  expire(message: Message): void {
    if (!this.#queue.properties.deadLetterOnExpiry) this.#messages.change(message, { state: 'gone' });
    else
      this.#deadLetterBecause(message, 'TTLExpiredException', 'The message expired and was dead lettered.');
  }

  /**
   * Makes the message a dead letter. A dead letter keeps its sequence number and delivery count, and never expires.
   * @throws BrokerError `not-allowed` if the message is a dead letter already
   */
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

  #deadLetterBecause(message: Message, reason: string, description: string): void {
    this.deadLetter(message, (payload) => this.#payloads.deadLetter(payload, reason, description));
  }

  #rewritten(message: Message, rewrite: Rewrite | undefined): Pick<Message, 'payload' | 'size'> | undefined {
    if (!rewrite) return undefined;
    const payload = rewrite(this.#messages.payload(message));
    return { payload, size: payload.length };
  }
}
