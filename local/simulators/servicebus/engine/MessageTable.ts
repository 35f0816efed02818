import type { EpochMs } from '../../../../src/shared/time.js';
import type { MessageStore } from '../store/MessageStore.js';
import { BrokerError } from './BrokerError.js';
import { Heap, SequenceIndex, Timeline } from './indexes.js';
import type { Journal, MessageOwner } from './Journal.js';
import { deadline, type Message, type MessageState, newMessageIndex } from './Message.js';

/** The messages of a queue, or the messages of its dead-letter queue, with an index, totals and the order of delivery. */
export class SubQueue {
  readonly messages = new SequenceIndex<Message>();
  readonly deadlines = new Timeline();
  readonly counts: Record<MessageState, number> = { scheduled: 0, available: 0, locked: 0, gone: 0 };
  /** Bytes of all payloads. */
  size = 0;
  // The order keeps entries of messages that are no longer available. `first` skips these entries.
  readonly #order = new Heap<number>((a, b) => a < b);

  add(message: Message): void {
    this.messages.add(message.sequenceNumber, message);
    message.index.subQueue = this;
  }

  remove(message: Message): void {
    this.messages.remove(message.sequenceNumber);
    this.deadlines.set(message.sequenceNumber, undefined);
    message.index.subQueue = undefined;
    message.index.inOrder = false;
    this.#count(message, 'gone', 0);
  }

  /** Brings indexes and totals in line with the message's state. Repeated calls do no harm. */
  update(message: Message): void {
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

/**
 * Bytes of payload that a queue keeps in memory in addition to the copies in the store. The queue reads all other payloads
 * from the store at delivery.
 */
const residentBytes = 32 * 1024 * 1024;

/** All messages of a queue, including dead letters, and all locks. Every change goes through the journal. */
export class MessageTable implements MessageOwner {
  readonly main = new SubQueue();
  readonly dead = new SubQueue();
  readonly #locked = new Map<string, Message>();
  readonly #journal: Journal;
  readonly #store: MessageStore;
  readonly #changed: () => void;
  #resident = 0;

  constructor(journal: Journal, store: MessageStore, changed: () => void) {
    this.#journal = journal;
    this.#store = store;
    this.#changed = changed;
  }

  /** Bytes of all payloads. */
  get size(): number {
    return this.main.size + this.dead.size;
  }

  restore(messages: Omit<Message, 'index'>[]): void {
    for (const message of messages) this.updateIndexes({ ...message, index: newMessageIndex() });
  }

  insert(message: Omit<Message, 'index' | 'state'>, state: 'scheduled' | 'available'): void {
    this.change({ ...message, state: 'gone', index: newMessageIndex() }, { state });
  }

  change(message: Message, fields: Partial<Message>): void {
    this.#journal.touch(message, this);
    Object.assign(message, fields);
    this.updateIndexes(message);
    this.#changed();
  }

  /**
   * Finds a locked message by lock token.
   * @throws BrokerError `lock-lost` if the lock has ended or never existed
   */
  lockedBy(lockToken: string, now: EpochMs): Message {
    const message = this.#locked.get(lockToken);
    if (message && message.lockedUntil! > now) return message;
    throw new BrokerError(
      'lock-lost',
      'The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.',
    );
  }

  payload(message: Message): Buffer {
    return message.payload ?? this.#store.payload!(message.queueId, message.sequenceNumber);
  }

  updateIndexes(message: Message): void {
    const { index } = message;
    const subQueue = message.state === 'gone' ? undefined : message.deadLettered ? this.dead : this.main;
    if (index.subQueue !== subQueue) {
      index.subQueue?.remove(message);
      subQueue?.add(message);
    }
    subQueue?.update(message);
    const lockToken = message.state === 'locked' ? message.lockToken : undefined;
    if (index.lockToken !== lockToken) {
      if (index.lockToken) this.#locked.delete(index.lockToken);
      if (lockToken) this.#locked.set(lockToken, message);
      index.lockToken = lockToken;
    }
    if (!subQueue) this.#countResident(message, 0);
  }

  committed(message: Message): void {
    if (!this.#store.payload || !message.payload || message.state === 'gone') return;
    const others = this.#resident - message.index.resident;
    if (others + message.size > residentBytes) {
      message.payload = undefined;
      this.#countResident(message, 0);
    } else {
      this.#countResident(message, message.size);
    }
  }

  #countResident(message: Message, bytes: number): void {
    this.#resident += bytes - message.index.resident;
    message.index.resident = bytes;
  }
}
