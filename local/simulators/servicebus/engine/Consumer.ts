import type { Message } from './Message.js';

/** `receiveAndDelete` removes a message at delivery. */
export type ReceiveMode = 'peekLock' | 'receiveAndDelete';

/** A receiver of messages, implemented by a protocol. */
export interface Consumer {
  readonly mode: ReceiveMode;
  /** The number of messages that the consumer accepts now. */
  credit(): number;
  /**
   * Hands a message over. With `peekLock` the consumer holds a lock on the message; with `receiveAndDelete` the queue no
   * longer has the message.
   */
  deliver(message: Message, payload: Buffer): void;
  /** Called after the queue was deleted. */
  onQueueDeleted?(): void;
}

/** The consumers of one sub-queue, served in turn. */
export class Consumers {
  readonly #seats: { consumer: Consumer; pending: number }[] = [];
  #next = 0;

  /** @returns a function that removes the consumer */
  add(consumer: Consumer): () => void {
    const seat = { consumer, pending: 0 };
    this.#seats.push(seat);
    return () => {
      const at = this.#seats.indexOf(seat);
      if (at >= 0) this.#seats.splice(at, 1);
    };
  }

  end(): void {
    for (const { consumer } of this.#seats.splice(0)) consumer.onQueueDeleted?.();
  }

  /**
   * Chooses the next consumer with credit. Each call takes the next consumer in turn, so several consumers get equal
   * shares.
   * @returns the consumer, and a function that releases the reserved credit; the caller calls the function after the
   *   delivery, or after the delivery failed
   */
  next(): { consumer: Consumer; release: () => void } | undefined {
    for (let tried = 0; tried < this.#seats.length; tried++) {
      this.#next = (this.#next + 1) % this.#seats.length;
      const seat = this.#seats[this.#next]!;
      if (seat.consumer.credit() - seat.pending <= 0) continue;
      seat.pending++;
      return { consumer: seat.consumer, release: () => seat.pending-- };
    }
    return undefined;
  }
}
