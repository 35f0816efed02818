import type { MessageStore } from '../store/MessageStore.js';
import { BrokerError } from './BrokerError.js';
import type { Clock, DeadLetterPayload } from './dependencies.js';
import { Journal, SyncQueue } from './Journal.js';
import { Queue } from './Queue.js';
import { type QueueOptions, queueProperties } from './QueueProperties.js';

/** While the store refuses (a full disk), work that nobody waits for is tried again this often. */
const refusedPauseMs = 1000;

export interface EngineOptions {
  clock: Clock;
  store: MessageStore;
  deadLetterPayload: DeadLetterPayload;
  /** Calls back at the end of this turn of the event loop. */
  soon?: (callback: () => void) => void;
  /** Told when the store begins to refuse, and (without an error) when it takes changes again. */
  onStore?: (refused?: Error) => void;
}

/** Queues, locks, schedule and duplicates. Knows no protocol, and reaches time and disk only through what it is given. */
export class Engine {
  readonly journal: Journal;
  readonly #options: EngineOptions;
  readonly #queues = new Map<string, Queue>();
  readonly #hungry = new Set<Queue>();
  readonly #syncs: SyncQueue;
  #nextQueueId = 1;
  #flushing = false;
  #closed = false;
  #isRefused = false;
  #pausedUntil = 0;
  #alarm: { time: number; cancel: () => void } | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.journal = new Journal(options.store, () => this.#flushSoon());
    this.#syncs = new SyncQueue(options.store.sync);
    for (const { messages, history, ...record } of options.store.load()) {
      const queue = this.#open(record);
      queue.restore(messages, history);
      this.#nextQueueId = Math.max(this.#nextQueueId, record.id + 1);
    }
    this.#setAlarm();
  }

  get queues(): Queue[] {
    return [...this.#queues.values()];
  }

  /** Names are compared without regard to case, as the service does. */
  find(name: string): Queue | undefined {
    return this.#queues.get(name.toLowerCase());
  }

  /** @throws BrokerError `entity-exists`, or `argument` for properties beyond the service's limits */
  create(options: QueueOptions): Queue {
    const properties = queueProperties(options);
    if (this.find(options.name)) {
      throw new BrokerError('entity-exists', `The queue '${options.name}' already exists.`);
    }
    const now = this.#options.clock.now();
    const queue = this.#open({
      id: this.#nextQueueId++,
      name: options.name,
      properties,
      nextSequenceNumber: 1,
      createdAt: now,
      updatedAt: now,
    });
    this.journal.putQueue(queue.record);
    this.journal.onUndo(() => this.#queues.delete(options.name.toLowerCase()));
    return queue;
  }

  /** Gives an existing queue these properties. @throws BrokerError `argument` */
  update(queue: Queue, options: Omit<QueueOptions, 'name'>): void {
    const { record } = queue;
    const before = { properties: record.properties, updatedAt: record.updatedAt };
    record.properties = queueProperties({ ...record.properties, ...options, name: record.name });
    record.updatedAt = this.#options.clock.now();
    this.journal.putQueue(record);
    this.journal.onUndo(() => Object.assign(record, before));
  }

  /** With all its messages. */
  remove(queue: Queue): void {
    const name = queue.record.name.toLowerCase();
    this.#queues.delete(name);
    this.#hungry.delete(queue);
    queue.setRemoved(true);
    this.journal.removeQueue(queue.record);
    this.journal.onUndo(() => {
      this.#queues.set(name, queue);
      queue.setRemoved(false);
    });
    this.journal.afterCommit((refused) => {
      if (!refused) queue.endConsumers();
    });
  }

  /** Resolves when all that was done so far is durable; rejects, if it was undone instead. */
  committed(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.journal.afterCommit((refused) => (refused ? reject(refused) : resolve()));
    });
  }

  /** Ends the turn: hands out what is available, commits, and tells everyone concerned. */
  flush(): void {
    this.#flushing = false;
    if (this.#closed) return;
    if (this.#options.clock.now() >= this.#pausedUntil) {
      for (const queue of this.#hungry) queue.dispatch();
      this.#hungry.clear();
    }
    const { outcome, handOver, tell } = this.journal.commit();
    if (outcome instanceof Error) {
      const refusal = this.#refusal(outcome);
      handOver(refusal);
      tell(refusal);
    } else {
      handOver();
      const isWritten = outcome === 'committed';
      this.#syncs.add((refused) => {
        if (!refused && isWritten) this.#noteStore();
        tell(refused && this.#refusal(refused));
      }, isWritten);
    }
    this.#setAlarm();
  }

  /** Commits what there is, and stops. */
  async close(): Promise<void> {
    this.flush();
    await this.#syncs.idle();
    this.#closed = true;
    this.#alarm?.cancel();
    this.#options.store.close();
  }

  /** The store refused: work that nobody waits for pauses. @returns what those who wait are told */
  #refusal(cause: Error): BrokerError {
    this.#noteStore(cause);
    this.#pausedUntil = this.#options.clock.now() + refusedPauseMs;
    return new BrokerError(
      'store-unavailable',
      `The local broker cannot write to its disk: ${cause.message}.`,
      { cause },
    );
  }

  #noteStore(refused?: Error): void {
    if (this.#isRefused === (refused !== undefined)) return;
    this.#isRefused = refused !== undefined;
    this.#options.onStore?.(refused);
  }

  #open(record: Queue['record']): Queue {
    const { clock, store, deadLetterPayload } = this.#options;
    const hungry = (hungryQueue: Queue) => {
      this.#hungry.add(hungryQueue);
      this.#flushSoon();
    };
    const queue = new Queue(record, { clock, store, deadLetterPayload, hungry, journal: this.journal });
    this.#queues.set(record.name.toLowerCase(), queue);
    return queue;
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    (this.#options.soon ?? setImmediate)(() => this.flush());
  }

  #setAlarm(): void {
    let time = this.#hungry.size > 0 ? this.#pausedUntil : Infinity;
    for (const queue of this.#queues.values()) time = Math.min(time, queue.nextDeadline());
    time = Math.max(time, this.#pausedUntil);
    if (this.#closed || time === this.#alarm?.time) return;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (time === Infinity) return;
    this.#alarm = { time, cancel: this.#options.clock.at(time, () => this.#tick()) };
  }

  #tick(): void {
    this.#alarm = undefined;
    const now = this.#options.clock.now();
    for (const queue of this.#queues.values()) queue.tick(now);
    this.#flushSoon();
  }
}
