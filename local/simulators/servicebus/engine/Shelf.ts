import { Heap } from './Heap.js';
import { deadline, type Message, type MessageState } from './Message.js';
import { SequenceIndex } from './SequenceIndex.js';
import { Timeline } from './Timeline.js';

/** The messages of a queue proper, or those of its dead-letter queue: indexed, counted, and in the order of delivery. */
export class Shelf {
  readonly messages = new SequenceIndex<Message>();
  readonly deadlines = new Timeline();
  readonly counts: Record<MessageState, number> = { scheduled: 0, available: 0, locked: 0, gone: 0 };
  /** Bytes of all payloads. */
  size = 0;
  // Entries for messages that are no longer available are skipped when they surface.
  readonly #order = new Heap<number>((a, b) => a < b);

  add(message: Message): void {
    this.messages.add(message.sequenceNumber, message);
    message.index.shelf = this;
  }

  remove(message: Message): void {
    this.messages.remove(message.sequenceNumber);
    this.deadlines.set(message.sequenceNumber, undefined);
    message.index.shelf = undefined;
    message.index.inOrder = false;
    this.#count(message, 'gone', 0);
  }

  /** Brings the indexes to the message's state; may be called at any time. */
  arrange(message: Message): void {
    this.deadlines.set(message.sequenceNumber, deadline(message));
    this.#count(message, message.state, message.size);
    if (message.state === 'available' && !message.index.inOrder) {
      message.index.inOrder = true;
      this.#order.push(message.sequenceNumber);
    }
  }

  /** The available message with the lowest sequence number. */
  first(): Message | undefined {
    for (;;) {
      const sequenceNumber = this.#order.peek();
      if (sequenceNumber === undefined) return undefined;
      const message = this.messages.get(sequenceNumber);
      if (message?.state === 'available') return message;
      this.#order.pop();
      if (message) message.index.inOrder = false;
    }
  }

  #count(message: Message, state: MessageState, size: number): void {
    const { counted } = message.index;
    if (counted.state !== 'gone') this.counts[counted.state]--;
    if (state !== 'gone') this.counts[state]++;
    this.size += size - counted.size;
    counted.state = state;
    counted.size = size;
  }
}
