import type { ErrorCode } from '../shared/errorPolicy.js';
import type { Step } from '../shared/errors.js';
import type { EpochMs } from '../shared/time.js';
import type { State } from './state.js';
import { expiryOf, pendingDue, type Summary } from './summary.js';

/** What became of the job of a request. */
export type JobOutcome = 'none' | 'pending' | 'dead' | 'cancelled' | 'discarded';

/** The failure of a request: of the present one, or of the refused one. */
export interface IndexedPart {
  job: JobOutcome;
  code: ErrorCode | null;
  step: Step | null;
}

/** The part of a summary that filters, orders and counts of operators need. A row has a column for the entry: a quarter of the summary. */
export interface IndexEntry {
  uuid: string;
  /** The state without regard to a lease: see `summaryState`. */
  state: State;
  /** As in the summary; 0 if there is no lease. */
  leasedUntil: EpochMs;
  operation: 'deprovision' | 'provision';
  checkFailed: boolean;
  fleet: string | null;
  service: string | null;
  requestedAt: EpochMs;
  /** 0 if the request is not done. */
  completedAt: EpochMs;
  /** The expiry of the certificate in use; 0 if there is none, or if the expiry is unknown. */
  expiresAt: EpochMs;
  /** When the next work is due; 0 if no work is pending. */
  due: EpochMs;
  /** The pending job has a reservation at the hub. */
  isReserved: boolean;
  present: IndexedPart;
  /** `job: 'none'` if no request is refused. */
  refused: IndexedPart;
}

/** The entry of a record, from its summary. */
export function indexEntryOf(summary: Summary): IndexEntry {
  return {
    uuid: summary.uuid,
    state: summary.state,
    leasedUntil: summary.leasedUntil,
    operation: summary.operation === 'deprovision' ? 'deprovision' : 'provision',
    checkFailed: summary.checkFailed,
    fleet: summary.fleet,
    service: summary.service,
    requestedAt: summary.requestedAt,
    completedAt: summary.completedAt ?? 0,
    expiresAt: expiryOf(summary) ?? 0,
    due: pendingDue(summary) ?? 0,
    isReserved: summary.job?.reserved ?? false,
    present: partOf(summary),
    refused: summary.refusal ? partOf(summary.refusal) : nothing,
  };
}

const nothing: IndexedPart = { job: 'none', code: null, step: null };

function partOf({ job, code, step }: Summary): IndexedPart {
  if (!job) return { job: 'none', code, step };
  if (job.deadAt === null) return { job: 'pending', code, step };
  if (job.discarded) return { job: 'discarded', code, step };
  return { job: job.cancelled ? 'cancelled' : 'dead', code, step };
}

type Values = [
  ...[uuid: string, state: State, leasedUntil: EpochMs, operation: IndexEntry['operation']],
  ...[checkFailed: boolean, fleet: string | null, service: string | null, requestedAt: EpochMs],
  ...[completedAt: EpochMs, expiresAt: EpochMs, due: EpochMs, isReserved: boolean],
  ...[present: PartValues, refused: PartValues],
];
type PartValues = [job: JobOutcome, code: ErrorCode | null, step: Step | null];

const valuesOf = ({ job, code, step }: IndexedPart): PartValues => [job, code, step];
const partBy = ([job, code, step]: PartValues): IndexedPart => ({ job, code, step });

/** The entry as the text of a column: the values without their names. */
export function writeIndexEntry(entry: IndexEntry): string {
  const { uuid, state, leasedUntil, operation, checkFailed, fleet, service, requestedAt } = entry;
  const { completedAt, expiresAt, due, isReserved, present, refused } = entry;
  const values: Values = [
    ...([uuid, state, leasedUntil, operation, checkFailed, fleet, service, requestedAt] as const),
    ...([completedAt, expiresAt, due, isReserved, valuesOf(present), valuesOf(refused)] as const),
  ];
  return JSON.stringify(values);
}

/** Reads the text of a column. */
export function readIndexEntry(text: string): IndexEntry {
  const [uuid, state, leasedUntil, operation, checkFailed, fleet, service, requestedAt, ...more] = JSON.parse(
    text,
  ) as Values;
  const [completedAt, expiresAt, due, isReserved, present, refused] = more;
  return {
    ...{ uuid, state, leasedUntil, operation, checkFailed, fleet, service, requestedAt },
    ...{ completedAt, expiresAt, due, isReserved, present: partBy(present), refused: partBy(refused) },
  };
}
