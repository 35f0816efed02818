import { expiryOf } from '../../certificates/expiry.js';
import { pendingDue, type Summary, summaryState } from '../../device/summary.js';
import { type ErrorCode, errorCodes } from '../../shared/errorPolicy.js';
import type { Step } from '../../shared/errors.js';
import { state as stateSchema, step as stepSchema } from '../../shared/schemas.js';
import type { EpochMs } from '../../shared/time.js';

/** What became of the job of a request. */
export type JobOutcome = 'none' | 'pending' | 'dead' | 'cancelled' | 'discarded';
const outcomes: readonly JobOutcome[] = ['none', 'pending', 'dead', 'cancelled', 'discarded'];

/** The failure of a request: of the present one, or of the refused one. */
export interface IndexedPart {
  job: JobOutcome;
  code: ErrorCode | null;
  step: Step | null;
}

/** The part of a summary that filters, orders and counts need. */
export interface IndexedDevice {
  readonly uuid: string;
  /** The state as lists show it, with the lease taken into account. */
  stateAt(now: EpochMs): Summary['state'];
  readonly operation: 'deprovision' | 'provision';
  readonly checkFailed: boolean;
  readonly fleet: string | null;
  readonly service: string | null;
  readonly requestedAt: EpochMs;
  /** 0 if the request is not done. */
  readonly completedAt: EpochMs;
  /** The expiry of the certificate in use; 0 if there is none, or if the expiry is unknown. */
  readonly expiresAt: EpochMs;
  /** When the next work is due; 0 if no work is pending. */
  readonly due: EpochMs;
  /** The pending job has a reservation at the hub. */
  readonly isReserved: boolean;
  readonly present: IndexedPart;
  /** `job: 'none'` if no request is refused. */
  readonly refused: IndexedPart;
}

const states = stateSchema.options;
const steps = stepSchema.options;
/** A uuid of 62 digits has 31 bytes. The last byte holds the number of the digits. */
const uuidBytes = 32;
const times = 6;
const marks = 10;
const names = 2;
const checkFailed = 1;
const isReserved = 2;
const isDeprovision = 4;
const firstCapacity = 1_024;

/** The index of a value, from 1; 0 for null. */
const indexIn = <T>(list: readonly T[], value: T | null) => (value === null ? 0 : list.indexOf(value) + 1);

/**
 * All devices in about 100 bytes each, in columns of numbers. A million summaries as objects would take 0.8 GB. The order of the devices is the
 * order of the first `put`.
 */
export class DeviceIndex implements Iterable<IndexedDevice> {
  #size = 0;
  #uuids = Buffer.alloc(0);
  #times = new Float64Array(0);
  #marks = new Uint8Array(0);
  #names = new Uint32Array(0);
  readonly #texts = new Map<string, number>();
  readonly #textAt: string[] = [''];
  /** The rows below this number are in the order of the uuids. */
  #sorted = 0;
  readonly #unsorted = new Map<string, number>();

  get size(): number {
    return this.#size;
  }

  /** The size of the columns. */
  get bytes(): number {
    const columns = [this.#uuids, this.#times, this.#marks, this.#names];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Adds a device, or replaces its earlier summary. */
  put(summary: Summary): void {
    const key = keyOf(summary.uuid);
    const row = this.#find(summary.uuid, key) ?? this.#add(summary.uuid, key);
    this.#write(row, summary);
  }

  *[Symbol.iterator](): Iterator<IndexedDevice> {
    for (let row = 0; row < this.#size; row += 1) yield this.#device(row);
  }

  #find(uuid: string, key: Buffer): number | undefined {
    let from = 0;
    let to = this.#sorted;
    while (from < to) {
      const middle = (from + to) >> 1;
      const order = key.compare(this.#uuids, middle * uuidBytes, (middle + 1) * uuidBytes);
      if (order === 0) return middle;
      if (order > 0) from = middle + 1;
      else to = middle;
    }
    return this.#unsorted.get(uuid);
  }

  #add(uuid: string, key: Buffer): number {
    const row = this.#size;
    if ((row + 1) * uuidBytes > this.#uuids.length) this.#grow();
    const last = row > 0 ? this.#uuids.subarray((row - 1) * uuidBytes, row * uuidBytes) : null;
    key.copy(this.#uuids, row * uuidBytes);
    // A scan of the records comes in the order of the uuids.
    if (row === this.#sorted && (last === null || key.compare(last) > 0)) this.#sorted += 1;
    else this.#unsorted.set(uuid, row);
    this.#size += 1;
    return row;
  }

  #grow(): void {
    const capacity = Math.max(firstCapacity, Math.ceil(this.#size * 1.5));
    this.#uuids = Buffer.concat([this.#uuids], capacity * uuidBytes);
    this.#times = copied(this.#times, new Float64Array(capacity * times));
    this.#marks = copied(this.#marks, new Uint8Array(capacity * marks));
    this.#names = copied(this.#names, new Uint32Array(capacity * names));
  }

  #write(row: number, summary: Summary): void {
    const { fleet, service, requestedAt, completedAt, leasedUntil, job, refusal } = summary;
    const expiresAt = expiryOf(summary) ?? 0;
    const due = pendingDue(summary) ?? 0;
    this.#times.set([requestedAt, completedAt ?? 0, expiresAt, due, leasedUntil], row * times);
    this.#names.set([this.#textNumber(fleet), this.#textNumber(service)], row * names);
    const flags =
      (summary.checkFailed ? checkFailed : 0) |
      (job?.reserved ? isReserved : 0) |
      (summary.operation === 'deprovision' ? isDeprovision : 0);
    const all = [states.indexOf(summary.state), flags, ...partMarks(summary), ...partMarks(refusal)];
    this.#marks.set(all, row * marks);
  }

  #textNumber(text: string | null): number {
    if (text === null) return 0;
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const added = this.#textAt.push(text) - 1;
    this.#texts.set(text, added);
    return added;
  }

  #device(row: number): IndexedDevice {
    const time = (column: number) => this.#times[row * times + column] ?? 0;
    const mark = (column: number) => this.#marks[row * marks + column] ?? 0;
    const text = (column: number) => {
      const number = this.#names[row * names + column] ?? 0;
      return number === 0 ? null : (this.#textAt[number] ?? null);
    };
    const part = (first: number): IndexedPart => ({
      job: outcomes[mark(first)] ?? 'none',
      code: errorCodes[mark(first + 1) - 1] ?? null,
      step: steps[mark(first + 2) - 1] ?? null,
    });
    const uuids = this.#uuids;
    return {
      get uuid() {
        const at = row * uuidBytes;
        return uuids.toString('hex', at, at + (uuids[at + uuidBytes - 1] ?? 0) / 2);
      },
      stateAt: (now) => summaryState({ state: states[mark(0)] ?? 'failed', leasedUntil: time(4) }, now),
      operation: mark(1) & isDeprovision ? 'deprovision' : 'provision',
      checkFailed: (mark(1) & checkFailed) !== 0,
      isReserved: (mark(1) & isReserved) !== 0,
      fleet: text(0),
      service: text(1),
      requestedAt: time(0),
      completedAt: time(1),
      expiresAt: time(2),
      due: time(3),
      present: part(2),
      refused: part(5),
    };
  }
}

function partMarks(part: Summary | null): number[] {
  if (!part) return [0, 0, 0];
  return [outcomes.indexOf(outcomeOf(part)), indexIn(errorCodes, part.code), indexIn(steps, part.step)];
}

function outcomeOf({ job }: Summary): JobOutcome {
  if (!job) return 'none';
  if (job.deadAt === null) return 'pending';
  if (job.discarded) return 'discarded';
  return job.cancelled ? 'cancelled' : 'dead';
}

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
