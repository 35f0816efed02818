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
