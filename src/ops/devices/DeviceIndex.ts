import type { IndexEntry, IndexedPart, JobOutcome } from '../../device/indexEntry.js';
import type { State } from '../../device/state.js';
import { summaryState } from '../../device/summary.js';
import { errorCodes } from '../../shared/errorPolicy.js';
import { state as stateSchema, step as stepSchema } from '../../shared/schemas.js';
import type { EpochMs } from '../../shared/time.js';

const outcomes: readonly JobOutcome[] = ['none', 'pending', 'dead', 'cancelled', 'discarded'];

/** A device of the index. */
export interface IndexedDevice extends Readonly<Omit<IndexEntry, 'state' | 'leasedUntil'>> {
  /** The state as lists show it, with the lease taken into account. */
  stateAt(now: EpochMs): State;
}

const states = stateSchema.options;
const steps = stepSchema.options;
/** A uuid of 62 digits has 31 bytes. The last byte holds the number of the digits. */
const uuidBytes = 32;
const times = 5;
const marks = 8;
const names = 2;
const checkFailed = 1;
const isReserved = 2;
const isDeprovision = 4;
const firstCapacity = 16;

/** The index of a value, from 1; 0 for null. */
const indexIn = <T>(list: readonly T[], value: T | null) => (value === null ? 0 : list.indexOf(value) + 1);

/** The columns: a fixed number of bytes for each device, and each text once. */
class Columns {
  uuids = Buffer.alloc(0);
  times = new Float64Array(0);
  marks = new Uint8Array(0);
  names = new Uint32Array(0);
  readonly texts: string[] = [''];

  grow(capacity: number): void {
    this.uuids = Buffer.concat([this.uuids], capacity * uuidBytes);
    this.times = copied(this.times, new Float64Array(capacity * times));
    this.marks = copied(this.marks, new Uint8Array(capacity * marks));
    this.names = copied(this.names, new Uint32Array(capacity * names));
  }
}

/** One device of the columns. The fields are read when a caller asks for them. */
class IndexedRow implements IndexedDevice {
  readonly #columns: Columns;
  readonly #row: number;

  constructor(columns: Columns, row: number) {
    this.#columns = columns;
    this.#row = row;
  }

  get uuid(): string {
    const from = this.#row * uuidBytes;
    const digits = this.#columns.uuids[from + uuidBytes - 1] ?? 0;
    return this.#columns.uuids.toString('hex', from, from + digits / 2);
  }
  stateAt(now: EpochMs): State {
    return summaryState({ state: states[this.#mark(0)] ?? 'failed', leasedUntil: this.#time(4) }, now);
  }
  get operation(): IndexedDevice['operation'] {
    return this.#mark(1) & isDeprovision ? 'deprovision' : 'provision';
  }
  get checkFailed(): boolean {
    return (this.#mark(1) & checkFailed) !== 0;
  }
  get isReserved(): boolean {
    return (this.#mark(1) & isReserved) !== 0;
  }
  get fleet(): string | null {
    return this.#text(0);
  }
  get service(): string | null {
    return this.#text(1);
  }
  get requestedAt(): EpochMs {
    return this.#time(0);
  }
  get completedAt(): EpochMs {
    return this.#time(1);
  }
  get expiresAt(): EpochMs {
    return this.#time(2);
  }
  get due(): EpochMs {
    return this.#time(3);
  }
  get present(): IndexedPart {
    return this.#part(2);
  }
  get refused(): IndexedPart {
    return this.#part(5);
  }

  #time(column: number): EpochMs {
    return this.#columns.times[this.#row * times + column] ?? 0;
  }
  #mark(column: number): number {
    return this.#columns.marks[this.#row * marks + column] ?? 0;
  }
  #text(column: number): string | null {
    const number = this.#columns.names[this.#row * names + column] ?? 0;
    return number === 0 ? null : (this.#columns.texts[number] ?? null);
  }
  #part(first: number): IndexedPart {
    return {
      job: outcomes[this.#mark(first)] ?? 'none',
      code: errorCodes[this.#mark(first + 1) - 1] ?? null,
      step: steps[this.#mark(first + 2) - 1] ?? null,
    };
  }
}

/**
 * The devices of one partition in less than 200 bytes each, in columns of numbers. A million summaries as objects would take 0.8 GB. The order of
 * the devices is the order of the first `put`.
 */
export class IndexPartition implements Iterable<IndexedDevice> {
  #size = 0;
  readonly #columns = new Columns();
  readonly #textNumbers = new Map<string, number>();
  /** The rows below this number are in the order of the uuids. */
  #sorted = 0;
  readonly #unsorted = new Map<string, number>();

  get size(): number {
    return this.#size;
  }

  /** The size of the columns. */
  get bytes(): number {
    const { uuids, times: ofTimes, marks: ofMarks, names: ofNames } = this.#columns;
    return [uuids, ofTimes, ofMarks, ofNames].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Adds a device, or replaces its earlier entry. */
  put(entry: IndexEntry): void {
    const key = keyOf(entry.uuid);
    // A scan of the records comes in the order of the uuids.
    const isNext =
      this.#size === this.#sorted && (this.#size === 0 || this.#compare(key, this.#size - 1) > 0);
    const row = (isNext ? undefined : this.#find(entry.uuid, key)) ?? this.#add(entry.uuid, key, isNext);
    this.#write(row, entry);
  }

  *[Symbol.iterator](): Iterator<IndexedDevice> {
    for (let row = 0; row < this.#size; row += 1) yield new IndexedRow(this.#columns, row);
  }

  #compare(key: Buffer, row: number): number {
    return key.compare(this.#columns.uuids, row * uuidBytes, (row + 1) * uuidBytes);
  }

  #find(uuid: string, key: Buffer): number | undefined {
    let from = 0;
    let to = this.#sorted;
    while (from < to) {
      const middle = (from + to) >> 1;
      const order = this.#compare(key, middle);
      if (order === 0) return middle;
      if (order > 0) from = middle + 1;
      else to = middle;
    }
    return this.#unsorted.get(uuid);
  }

  #add(uuid: string, key: Buffer, isSorted: boolean): number {
    const row = this.#size;
    if ((row + 1) * uuidBytes > this.#columns.uuids.length)
      this.#columns.grow(Math.max(firstCapacity, Math.ceil(row * 1.5)));
    key.copy(this.#columns.uuids, row * uuidBytes);
    if (isSorted) this.#sorted += 1;
    else this.#unsorted.set(uuid, row);
    this.#size += 1;
    return row;
  }

  #write(row: number, entry: IndexEntry): void {
    const { requestedAt, completedAt, expiresAt, due, leasedUntil, present, refused } = entry;
    const { times: ofTimes, marks: ofMarks, names: ofNames } = this.#columns;
    ofTimes.set([requestedAt, completedAt, expiresAt, due, leasedUntil], row * times);
    ofNames.set([this.#textNumber(entry.fleet), this.#textNumber(entry.service)], row * names);
    const flags =
      (entry.checkFailed ? checkFailed : 0) |
      (entry.isReserved ? isReserved : 0) |
      (entry.operation === 'deprovision' ? isDeprovision : 0);
    ofMarks.set(
      [states.indexOf(entry.state), flags, ...partMarks(present), ...partMarks(refused)],
      row * marks,
    );
  }

  #textNumber(text: string | null): number {
    if (text === null) return 0;
    const known = this.#textNumbers.get(text);
    if (known !== undefined) return known;
    const added = this.#columns.texts.push(text) - 1;
    this.#textNumbers.set(text, added);
    return added;
  }
}

const partMarks = ({ job, code, step }: IndexedPart): number[] => [
  outcomes.indexOf(job),
  indexIn(errorCodes, code),
  indexIn(steps, step),
];

/** The bytes of a uuid, in the order of the texts. */
function keyOf(uuid: string): Buffer {
  const key = Buffer.alloc(uuidBytes);
  key.write(uuid, 'hex');
  key[uuidBytes - 1] = uuid.length;
  return key;
}

function copied<T extends Float64Array | Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** All devices, by partition: the first two digits of the uuid. A reading of one partition replaces the partition. */
export class DeviceIndex implements Iterable<IndexedDevice> {
  readonly #partitions = new Map<string, IndexPartition>();

  get size(): number {
    return this.#sum(({ size }) => size);
  }

  /** The size of the columns. */
  get bytes(): number {
    return this.#sum(({ bytes }) => bytes);
  }

  /** Adds a device, or replaces its earlier entry. */
  put(entry: IndexEntry): void {
    const name = entry.uuid.slice(0, 2);
    const partition = this.#partitions.get(name) ?? new IndexPartition();
    this.#partitions.set(name, partition);
    partition.put(entry);
  }

  /** @param name the first two digits of the uuids */
  replace(name: string, partition: IndexPartition): void {
    this.#partitions.set(name, partition);
  }

  *[Symbol.iterator](): Iterator<IndexedDevice> {
    for (const partition of this.#partitions.values()) yield* partition;
  }

  #sum(of: (partition: IndexPartition) => number): number {
    return [...this.#partitions.values()].reduce((sum, partition) => sum + of(partition), 0);
  }
}
