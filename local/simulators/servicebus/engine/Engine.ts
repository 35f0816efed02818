import type { EpochMs } from '../../../../src/shared/time.js';
import type { MessageStore } from '../store/MessageStore.js';
import { BrokerError } from './BrokerError.js';
import { Credits } from './Credits.js';
import type { AlarmClock, PayloadChanges } from './dependencies.js';
import { Journal, SyncQueue } from './Journal.js';
import { Queue } from './Queue.js';
import { type QueueOptions, queueProperties } from './QueueProperties.js';

/** While the store refuses commits (a full disk), the engine retries background work at this interval. */
const storeRetryMs = 1000;

export interface EngineOptions {
  clock: AlarmClock;
  store: MessageStore;
  payloads: PayloadChanges;
  /** The credits of the namespace for each second. Default: no limit. */
  creditsPerSecond?: number;
  /** Calls back at the end of the current turn of the event loop. Default: `setImmediate`. */
  defer?: (callback: () => void) => void;
  /**
   * Called with an error when the store starts to refuse commits, and without an argument when the store accepts commits
   * again.
   */
  onStoreState?: (error?: Error) => void;
}

/**
 * All queues with their messages, locks, schedules and duplicate detection. The engine is independent of the protocol. Time
 * and disk are injected.
 */
export class Engine {
  readonly journal: Journal;
  readonly credits: Credits;
  readonly #options: EngineOptions;
  readonly #queues = new Map<string, Queue>();
  readonly #undispatched = new Set<Queue>();
  readonly #syncs: SyncQueue;
  #nextQueueId = 1;
  #isFlushScheduled = false;
  #closed = false;
  #isStoreFailing = false;
  #pausedUntil = 0;
  #alarm: { time: EpochMs; cancel: () => void } | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.credits = new Credits(options.clock, options.creditsPerSecond ?? Infinity);
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

  /** Finds a queue by name. Case makes no difference, as in Service Bus. */
  find(name: string): Queue | undefined {
    return this.#queues.get(name.toLowerCase());
  }

  /**
   * Creates a queue.
   * @throws BrokerError `entity-exists`; `argument` if a property is outside the limits of Service Bus
   */
  create(options: QueueOptions): Queue {
    const properties = queueProperties(options);
    if (this.find(options.name)) {
      throw new BrokerError(
        'entity-exists',
        "Conflict. You're requesting an operation that isn't allowed in the resource's current state. To know more visit " +
          `https://aka.ms/sbResourceMgrExceptions. (Local broker: the queue '${options.name}' already exists.)`,
      );
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

  /**
   * Changes the given properties of an existing queue.
   * @throws BrokerError `argument`
   */
  update(queue: Queue, options: Omit<QueueOptions, 'name'>): void {
    const { record } = queue;
    const before = { properties: record.properties, updatedAt: record.updatedAt };
    record.properties = queueProperties({ ...record.properties, ...options, name: record.name });
    record.updatedAt = this.#options.clock.now();
    this.journal.putQueue(record);
    this.journal.onUndo(() => Object.assign(record, before));
  }

  /** Deletes a queue and all its messages. */
  remove(queue: Queue): void {
    const name = queue.record.name.toLowerCase();
    this.#queues.delete(name);
    this.#undispatched.delete(queue);
    queue.setRemoved(true);
    this.journal.removeQueue(queue.record);
    this.journal.onUndo(() => {
      this.#queues.set(name, queue);
      queue.setRemoved(false);
    });
    this.journal.whenDurable((error) => {
      if (!error) queue.endConsumers();
    });
  }

  /** Resolves when all changes so far are durable. Rejects if the store fails. */
  durable(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.journal.whenDurable((error) => (error ? reject(error) : resolve()));
    });
  }

  /** Ends the turn: hands out available messages, commits the changes, and notifies all waiting callers. */
  flush(): void {
    this.#isFlushScheduled = false;
    if (this.#closed) return;
    if (this.#options.clock.now() >= this.#pausedUntil) {
      for (const queue of this.#undispatched) if (queue.dispatch()) this.#undispatched.delete(queue);
    }
    const { outcome, notifyWritten, notifyDurable } = this.journal.commit();
    if (outcome instanceof Error) {
      const error = this.#storeError(outcome);
      notifyWritten(error);
      notifyDurable(error);
    } else {
      notifyWritten();
      const isWritten = outcome === 'committed';
      this.#syncs.add((error) => {
        if (!error && isWritten) this.#reportStoreState();
        notifyDurable(error && this.#storeError(error));
      }, isWritten);
    }
    this.#setAlarm();
  }

  /** Commits pending changes and stops the engine. */
  async close(): Promise<void> {
    this.flush();
    await this.#syncs.idle();
    this.#closed = true;
    this.#alarm?.cancel();
    this.#options.store.close();
  }

  /** Records that the store refuses commits, and pauses background work. @returns the error for waiting callers */
  #storeError(cause: Error): BrokerError {
    this.#reportStoreState(cause);
    this.#pausedUntil = this.#options.clock.now() + storeRetryMs;
    return new BrokerError(
      'store-unavailable',
      `The local broker cannot write to its disk: ${cause.message}.`,
      { cause },
    );
  }

  #reportStoreState(error?: Error): void {
    if (this.#isStoreFailing === (error !== undefined)) return;
    this.#isStoreFailing = error !== undefined;
    this.#options.onStoreState?.(error);
  }

  #open(record: Queue['record']): Queue {
    const { clock, store, payloads } = this.#options;
    const requestDispatch = () => {
      this.#undispatched.add(queue);
      this.#flushSoon();
    };
    const queue: Queue = new Queue(record, {
      clock,
      store,
      payloads,
      requestDispatch,
      journal: this.journal,
      credits: this.credits,
    });
    this.#queues.set(record.name.toLowerCase(), queue);
    return queue;
  }

  #flushSoon(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    (this.#options.defer ?? setImmediate)(() => this.flush());
  }

  #setAlarm(): void {
    // A queue is left over while the store refuses commits, or while the credits are used up.
    const now = this.#options.clock.now();
    const isPaused = now < this.#pausedUntil;
    const nextDispatch = isPaused ? this.#pausedUntil : this.credits.nextPeriod();
    let time = this.#undispatched.size > 0 ? nextDispatch : Infinity;
    for (const queue of this.#queues.values()) time = Math.min(time, queue.nextDeadline());
    time = Math.max(time, this.#pausedUntil);
    if (this.#closed || time === this.#alarm?.time) return;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (time === Infinity) return;
    this.#alarm = { time, cancel: this.#options.clock.schedule(time, () => this.#tick()) };
  }

  #tick(): void {
    this.#alarm = undefined;
    const now = this.#options.clock.now();
    for (const queue of this.#queues.values()) queue.tick(now);
    this.#flushSoon();
  }
}
