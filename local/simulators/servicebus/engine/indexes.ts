import type { EpochMs } from '../../../../src/shared/time.js';
/** A binary min-heap. */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  /** @param before true if `a` must be popped before `b` */
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

  /** Removes all items for which `keep` returns false. Takes linear time. */
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
  at: EpochMs;
  key: number;
}

/** A set of keys with at most one due time each. */
export class Timeline {
  readonly #times = new Map<number, EpochMs>();
  // The heap keeps entries of changed or removed keys until they reach the top or outnumber the current entries. The limit
  // matters for memory: without it, a lock of five minutes would occupy memory for five minutes even if the message was
  // settled at once.
  readonly #heap = new Heap<Entry>((a, b) => a.at < b.at);

  set(key: number, at: EpochMs | undefined): void {
    if (at === this.#times.get(key)) return;
    if (at === undefined) {
      this.#times.delete(key);
    } else {
      this.#times.set(key, at);
      this.#heap.push({ at, key });
    }
    if (this.#heap.size > 2 * this.#times.size + 1000) this.#heap.retain((entry) => this.#isCurrent(entry));
  }

  /** The earliest due time. */
  next(): EpochMs | undefined {
    for (;;) {
      const entry = this.#heap.peek();
      if (!entry || this.#isCurrent(entry)) return entry?.at;
      this.#heap.pop();
    }
  }

  /** Removes and returns the keys that are due, earliest first. */
  *due(now: EpochMs): Generator<number> {
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

/** Items by sequence number. The items can also be listed in the order of the numbers. */
export class SequenceIndex<T> {
  readonly #items = new Map<number, T>();
  /** Ascending. Keeps removed numbers until they are the majority. */
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

  /** Lists the items in ascending order, starting at this sequence number. */
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
    // A new number is usually the highest.
    if (high === 0 || this.#order[high - 1]! < sequenceNumber) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#order[middle]! < sequenceNumber) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
