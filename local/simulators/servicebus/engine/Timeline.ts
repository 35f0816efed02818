import { Heap } from './Heap.js';

interface Entry {
  at: number;
  key: number;
}

/** Keys, each with at most one time (milliseconds since 1970) at which it is due. */
export class Timeline {
  readonly #times = new Map<number, number>();
  // Entries that were changed or removed stay until they surface, or until they are the majority: a lock of five minutes
  // that was settled at once must not be remembered for five minutes.
  readonly #heap = new Heap<Entry>((a, b) => a.at < b.at);

  set(key: number, at: number | undefined): void {
    if (at === this.#times.get(key)) return;
    if (at === undefined) {
      this.#times.delete(key);
    } else {
      this.#times.set(key, at);
      this.#heap.push({ at, key });
    }
    if (this.#heap.size > 2 * this.#times.size + 1000) this.#heap.retain((entry) => this.#isCurrent(entry));
  }

  /** The earliest time at which something is due. */
  next(): number | undefined {
    for (;;) {
      const entry = this.#heap.peek();
      if (!entry || this.#isCurrent(entry)) return entry?.at;
      this.#heap.pop();
    }
  }

  /** Takes out the keys that are due, earliest first. */
  *due(now: number): Generator<number> {
    for (let next = this.next(); next !== undefined && next <= now; next = this.next()) {
      const { key } = this.#heap.pop()!;
      this.#times.delete(key);
      yield key;
    }
  }

  #isCurrent(entry: Entry): boolean {
    return this.#times.get(entry.key) === entry.at;
  }
}
