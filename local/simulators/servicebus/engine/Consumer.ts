import type { Message } from './Message.js';

/** `receiveAndDelete` removes a message when it is handed over. */
export type ReceiveMode = 'peekLock' | 'receiveAndDelete';

/** Someone who receives. */
export interface Consumer {
  readonly mode: ReceiveMode;
  /** How many more messages it takes now. */
  credit(): number;
  /** A message that it holds from now on, or, with `receiveAndDelete`, that is its own. */
  deliver(message: Message, payload: Buffer): void;
  /** The queue has been deleted. */
  onQueueDeleted?(): void;
}

/** The consumers of one shelf, served in turn. */
export class Consumers {
  readonly #seats: { consumer: Consumer; pending: number }[] = [];
  #next = 0;

  /** @returns removes it */
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
   * The next that takes a message, one message each, so that several share fairly.
   * @returns the consumer, and what ends the claim on its credit: to be called when the message was handed over, or was not
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
