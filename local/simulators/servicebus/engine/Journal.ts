import type { Changes, MessageStore, QueueRecord } from '../store/MessageStore.js';
import type { Message } from './Message.js';

/** Whose message it is. */
export interface Keeper {
  /** Puts the message into the indexes according to its state. */
  place(message: Message): void;
  /** Its changes are durable. */
  committed(message: Message): void;
}

export interface Commit {
  /** The error with which the store refused, after which everything is as before. */
  outcome: 'committed' | 'unchanged' | Error;
  /** To be called at once. */
  handOver: Told;
  /** To be called when it is durable. */
  tell: Told;
}

interface Touched {
  before: Message;
  keeper: Keeper;
}

/**
 * What has changed since the last commit: one commit covers all that one turn of the event loop gathered, and nothing is
 * acknowledged before it. If the store refuses, everything is put back as it was.
 */
export class Journal {
  readonly #store: MessageStore;
  readonly #changed: () => void;
  #messages = new Map<Message, Touched>();
  #queues = new Set<QueueRecord>();
  #removedQueues = new Set<number>();
  #remembered: { queueId: number; messageId: string; until: number }[] = [];
  #forgotten: { queueId: number; messageId: string }[] = [];
  #undo: (() => void)[] = [];
  #handOvers: Told[] = [];
  #callbacks: Told[] = [];

  /** @param changed called at every change: a commit is due */
  constructor(store: MessageStore, changed: () => void) {
    this.#store = store;
    this.#changed = changed;
  }

  /** To be called before a message is changed; a new one is `gone` at that time. */
  touch(message: Message, keeper: Keeper): void {
    if (!this.#messages.has(message)) this.#messages.set(message, { before: { ...message }, keeper });
    this.#changed();
  }

  putQueue(queue: QueueRecord): void {
    this.#queues.add(queue);
    this.#changed();
  }

  removeQueue(queue: QueueRecord): void {
    this.#queues.delete(queue);
    this.#removedQueues.add(queue.id);
    this.#changed();
  }

  remember(queueId: number, messageId: string, until: number): void {
    this.#remembered.push({ queueId, messageId, until });
  }

  forget(queueId: number, messageIds: string[]): void {
    for (const messageId of messageIds) this.#forgotten.push({ queueId, messageId });
  }

  /** Undoes something that is not a message's, should the store refuse. */
  onUndo(undo: () => void): void {
    this.#undo.push(undo);
  }

  /**
   * Calls back when all changes so far are written, so that they outlive this process though not yet a power cut; or with why
   * they are not and were undone. Enough for a lock: whoever holds it goes down with the power too.
   */
  afterWrite(callback: Told): void {
    this.#handOvers.push(callback);
    this.#changed();
  }

  /** Calls back when all changes so far are durable, or with why they are not and were undone. */
  afterCommit(callback: Told): void {
    this.#callbacks.push(callback);
    this.#changed();
  }

  /**
   * Hands over to the store what has changed, or undoes it.
   * @returns what to call with the outcome once it is durable, or with why it was undone
   */
  commit(): Commit {
    const [messages, undo, changes] = [this.#messages, this.#undo, this.#changes()];
    const told = { handOver: callAll(this.#handOvers), tell: callAll(this.#callbacks) };
    this.#reset();
    if (
      messages.size === 0 &&
      !hasAny(changes.queues, changes.removedQueues, changes.remembered, changes.forgotten)
    ) {
      return { outcome: 'unchanged', ...told };
    }
    try {
      this.#store.commit(changes);
    } catch (error) {
      for (const step of undo.reverse()) step();
      for (const [message, { before, keeper }] of messages) {
        Object.assign(message, before);
        keeper.place(message);
      }
      return { outcome: error instanceof Error ? error : new Error(String(error)), ...told };
    }
    for (const [message, { keeper }] of messages) keeper.committed(message);
    return { outcome: 'committed', ...told };
  }

  #changes(): Changes {
    const [inserted, updated, removed]: Message[][] = [[], [], []];
    const rewritten = new Set<Message>();
    for (const [message, { before }] of this.#messages) {
      if (before.state === 'gone') {
        if (message.state !== 'gone') inserted!.push(message);
      } else if (message.state === 'gone') {
        removed!.push(message);
      } else {
        updated!.push(message);
        if (message.payload && message.payload !== before.payload) rewritten.add(message);
      }
    }
    return {
      queues: this.#queues,
      removedQueues: this.#removedQueues,
      inserted: inserted!,
      updated: updated!,
      rewritten,
      removed: removed!,
      remembered: this.#remembered,
      forgotten: this.#forgotten,
    };
  }

  #reset(): void {
    this.#messages = new Map();
    this.#queues = new Set();
    this.#removedQueues = new Set();
    this.#remembered = [];
    this.#forgotten = [];
    this.#undo = [];
    this.#handOvers = [];
    this.#callbacks = [];
  }
}

const callAll =
  (callbacks: Told[]): Told =>
  (refused) => {
    for (const callback of callbacks) callback(refused);
  };

const hasAny = (...all: Iterable<unknown>[]) => all.some((some) => !some[Symbol.iterator]().next().done);

/** Told when something is durable, or why it is not. */
export type Told = (refused?: Error) => void;

/**
 * Those who wait for what was written to become durable. One sync at a time: what is written meanwhile shares the next, so
 * that a slow disk makes larger groups and not a longer queue.
 */
export class SyncQueue {
  readonly #sync: (() => Promise<void>) | undefined;
  #waiting: Told[] = [];
  #syncing: Promise<void> | undefined;

  /** @param sync undefined when what is written is as durable as it gets */
  constructor(sync: (() => Promise<void>) | undefined) {
    this.#sync = sync;
  }

  /** @param isWritten whether there is anything to wait for, besides what others wait for already */
  add(tell: Told, isWritten: boolean): void {
    if (!this.#sync || !(isWritten || this.#syncing)) {
      tell();
      return;
    }
    this.#waiting.push(tell);
    this.#syncing ??= this.#syncAll(this.#sync);
  }

  /** When nobody waits any more. */
  async idle(): Promise<void> {
    await this.#syncing;
  }

  async #syncAll(sync: () => Promise<void>): Promise<void> {
    while (this.#waiting.length > 0) {
      const tells = this.#waiting;
      this.#waiting = [];
      const refused = await sync().then(
        () => undefined,
        (error: Error) => error,
      );
      for (const tell of tells) tell(refused);
    }
    this.#syncing = undefined;
  }
}
