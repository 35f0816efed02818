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
