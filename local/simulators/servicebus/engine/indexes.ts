/** A binary min-heap. */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  /** @param before whether the first comes out earlier */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(item, items[parent]!)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (items.length > 0) this.#sink(last!);
    return first;
  }

  /** Keeps what passes; linear. */
  retain(keep: (item: T) => boolean): void {
    const kept = this.#items.filter(keep);
    this.#items.length = 0;
    for (const item of kept) this.push(item);
  }

  #sink(item: T): void {
    const items = this.#items;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#before(items[child + 1]!, items[child]!)) child++;
      if (!this.#before(items[child]!, item)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = item;
  }
}

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

/** Things by their sequence number, which can also be walked in its order. */
export class SequenceIndex<T> {
  readonly #items = new Map<number, T>();
  /** Ascending; also holds numbers that were removed, until they are the majority. */
  #order: number[] = [];

  get size(): number {
    return this.#items.size;
  }

  get(sequenceNumber: number): T | undefined {
    return this.#items.get(sequenceNumber);
  }

  add(sequenceNumber: number, item: T): void {
    this.#items.set(sequenceNumber, item);
    const at = this.#firstFrom(sequenceNumber);
    if (at === this.#order.length) this.#order.push(sequenceNumber);
    else if (this.#order[at] !== sequenceNumber) this.#order.splice(at, 0, sequenceNumber);
  }

  remove(sequenceNumber: number): void {
    this.#items.delete(sequenceNumber);
    if (this.#order.length > 2 * this.#items.size + 1000) {
      this.#order = this.#order.filter((number) => this.#items.has(number));
    }
  }

  /** In ascending order, from this number on. */
  *from(sequenceNumber: number): Generator<T> {
    const order = this.#order;
    for (let at = this.#firstFrom(sequenceNumber); at < order.length; at++) {
      const item = this.#items.get(order[at]!);
      if (item !== undefined) yield item;
    }
  }

  #firstFrom(sequenceNumber: number): number {
    let low = 0;
    let high = this.#order.length;
    // New numbers are the highest.
    if (high === 0 || this.#order[high - 1]! < sequenceNumber) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#order[middle]! < sequenceNumber) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
