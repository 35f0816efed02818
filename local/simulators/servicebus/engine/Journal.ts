import type { EpochMs } from '../../../../src/shared/time.js';
import type { Changes, MessageStore, QueueRecord } from '../store/MessageStore.js';
import type { Message } from './Message.js';

/** The table of a message. The journal calls the table after a commit and after an undo. */
export interface MessageOwner {
  /** Puts the message into the indexes that fit the message's state. */
  updateIndexes(message: Message): void;
  /** Called when the store has written the message's changes. */
  committed(message: Message): void;
}

/** Receives the outcome of a write: no argument for success, otherwise the store's error. */
export type OutcomeCallback = (error?: Error) => void;

/** The result of {@link Journal.commit}. */
export interface Commit {
  /** An Error is the store's refusal; all changes of the turn have then been undone. */
  outcome: 'committed' | 'unchanged' | Error;
  /** The caller calls this function at once. */
  notifyWritten: OutcomeCallback;
  /** The caller calls this function when the commit is durable. */
  notifyDurable: OutcomeCallback;
}

/** The changes of the current turn of the event loop. */
interface Turn {
  /** Each changed message with a copy of the message from before the turn. */
  messages: Map<Message, { before: Message; owner: MessageOwner }>;
  queues: Set<QueueRecord>;
  removedQueues: Set<number>;
  remembered: { queueId: number; messageId: string; until: EpochMs }[];
  forgotten: { queueId: number; messageId: string }[];
  undo: (() => void)[];
  onWritten: OutcomeCallback[];
  onDurable: OutcomeCallback[];
}

const newTurn = (): Turn => ({
  messages: new Map(),
  queues: new Set(),
  removedQueues: new Set(),
  remembered: [],
  forgotten: [],
  undo: [],
  onWritten: [],
  onDurable: [],
});

/**
 * Collects the changes since the last commit. One commit covers all changes of one turn of the event loop, and the broker
 * acknowledges nothing before the commit. If the store refuses a commit, the journal restores the state from before the turn.
 */
export class Journal {
  readonly #store: MessageStore;
  readonly #changed: () => void;
  #turn = newTurn();

  /** @param changed called at every change, and then the engine schedules a commit */
  constructor(store: MessageStore, changed: () => void) {
    this.#store = store;
    this.#changed = changed;
  }

  /** Must be called before a message changes. A new message has the state `gone` at the time of the call. */
  touch(message: Message, owner: MessageOwner): void {
    const { messages } = this.#turn;
    if (!messages.has(message)) messages.set(message, { before: { ...message }, owner });
    this.#changed();
  }

  putQueue(queue: QueueRecord): void {
    this.#turn.queues.add(queue);
    this.#changed();
  }

  removeQueue(queue: QueueRecord): void {
    this.#turn.queues.delete(queue);
    this.#turn.removedQueues.add(queue.id);
    this.#changed();
  }

  /** Stores a message id for duplicate detection. @param until end of the detection window */
  remember(queueId: number, messageId: string, until: EpochMs): void {
    this.#turn.remembered.push({ queueId, messageId, until });
  }

  forget(queueId: number, messageIds: string[]): void {
    for (const messageId of messageIds) this.#turn.forgotten.push({ queueId, messageId });
  }

  /** Registers a step that reverts a change outside of the messages. The step runs only if the store refuses the commit. */
  onUndo(undo: () => void): void {
    this.#turn.undo.push(undo);
  }

  /**
   * Calls back when the store has written all changes so far, or with the error if the changes were undone. Written changes
   * survive the end of this process, but not yet a power cut. A lock needs no more, because a power cut also stops the
   * holder of the lock.
   */
  whenWritten(callback: OutcomeCallback): void {
    this.#turn.onWritten.push(callback);
    this.#changed();
  }

  /**
   * Calls back when all changes so far are durable, or with the store's error. After a failed commit the changes have been
   * undone. After a failed sync the changes remain in memory, and the store refuses all further commits.
   */
  whenDurable(callback: OutcomeCallback): void {
    this.#turn.onDurable.push(callback);
    this.#changed();
  }

  /** Gives all changes of the turn to the store. If the store refuses, all changes are undone. */
  commit(): Commit {
    const turn = this.#turn;
    this.#turn = newTurn();
    const callbacks = { notifyWritten: callAll(turn.onWritten), notifyDurable: callAll(turn.onDurable) };
    if (isEmpty(turn)) return { outcome: 'unchanged', ...callbacks };
    try {
      this.#store.commit(changesOf(turn));
    } catch (error) {
      for (const step of turn.undo.reverse()) step();
      for (const [message, { before, owner }] of turn.messages) {
        Object.assign(message, before);
        owner.updateIndexes(message);
      }
      return { outcome: error instanceof Error ? error : new Error(String(error)), ...callbacks };
    }
    for (const [message, { owner }] of turn.messages) owner.committed(message);
    return { outcome: 'committed', ...callbacks };
  }
}

function isEmpty({ messages, queues, removedQueues, remembered, forgotten }: Turn): boolean {
  return messages.size + queues.size + removedQueues.size + remembered.length + forgotten.length === 0;
}

/** Sorts the changed messages of a turn by the statement that the store needs: insert, update or remove. */
function changesOf({ messages, queues, removedQueues, remembered, forgotten }: Turn): Changes {
  const inserted: Message[] = [];
  const updated: Message[] = [];
  const removed: Message[] = [];
  const rewritten = new Set<Message>();
  for (const [message, { before }] of messages) {
    if (before.state === 'gone') {
      if (message.state !== 'gone') inserted.push(message);
    } else if (message.state === 'gone') {
      removed.push(message);
    } else {
      updated.push(message);
      if (message.payload && message.payload !== before.payload) rewritten.add(message);
    }
  }
  return { queues, removedQueues, inserted, updated, rewritten, removed, remembered, forgotten };
}

const callAll =
  (callbacks: OutcomeCallback[]): OutcomeCallback =>
  (error) => {
    for (const callback of callbacks) callback(error);
  };

/**
 * The callbacks that wait for written changes to become durable. Only one sync runs at a time. All changes that are written
 * during a sync share the next sync, so a slow disk makes larger groups instead of a longer queue.
 */
export class SyncQueue {
  readonly #sync: (() => Promise<void>) | undefined;
  #waiting: OutcomeCallback[] = [];
  #syncing: Promise<void> | undefined;

  /** @param sync undefined for a store whose written changes need no sync */
  constructor(sync: (() => Promise<void>) | undefined) {
    this.#sync = sync;
  }

  /** @param isWritten whether the turn wrote something; a turn without changes waits only for a sync that already runs */
  add(callback: OutcomeCallback, isWritten: boolean): void {
    if (!this.#sync || !(isWritten || this.#syncing)) {
      callback();
      return;
    }
    this.#waiting.push(callback);
    this.#syncing ??= this.#syncAll(this.#sync);
  }

  /** Resolves when no callback waits any more. */
  async idle(): Promise<void> {
    await this.#syncing;
  }

  async #syncAll(sync: () => Promise<void>): Promise<void> {
    while (this.#waiting.length > 0) {
      const callbacks = this.#waiting;
      this.#waiting = [];
      const failure = await sync().then(
        () => undefined,
        (error: Error) => error,
      );
      for (const callback of callbacks) callback(failure);
    }
    this.#syncing = undefined;
  }
}
