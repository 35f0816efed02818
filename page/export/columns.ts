import type { DeadLetter } from '../../src/ops/deadLetters/schema.js';
import type { RecordLine } from '../../src/ops/devices/schema.js';
import type { CsvColumn } from './csv.js';

/** The columns of exported devices. Times are ISO 8601 in UTC. */
export const recordColumns: readonly CsvColumn<RecordLine>[] = [
  { head: 'uuid', of: ({ uuid }) => uuid },
  { head: 'state', of: ({ state }) => state },
  { head: 'last check', of: ({ lastCheck }) => lastCheck },
  { head: 'fleet', of: ({ fleet }) => fleet },
  { head: 'service', of: ({ service }) => service },
  { head: 'code', of: ({ code }) => code },
  { head: 'step', of: ({ step }) => step },
  { head: 'message', of: ({ message }) => message },
  { head: 'attempts', of: ({ attempts }) => attempts },
  { head: 'replays', of: ({ replays }) => replays },
  { head: 'requested at (UTC)', of: ({ requestedAt }) => requestedAt },
  { head: 'completed at (UTC)', of: ({ completedAt }) => completedAt },
  { head: 'due at (UTC)', of: ({ dueAt }) => dueAt },
  { head: 'certificate expires at (UTC)', of: ({ certificateExpiresAt }) => certificateExpiresAt },
];

/** The columns of exported dead letters. Times are ISO 8601 in UTC. */
export const deadLetterColumns: readonly CsvColumn<DeadLetter>[] = [
  { head: 'uuid', of: ({ uuid }) => uuid },
  { head: 'status', of: ({ status }) => status },
  { head: 'code', of: ({ code }) => code },
  { head: 'step', of: ({ step }) => step },
  { head: 'message', of: ({ message }) => message },
  { head: 'fleet', of: ({ fleet }) => fleet },
  { head: 'service', of: ({ service }) => service },
  { head: 'attempts', of: ({ attempts }) => attempts },
  { head: 'replays', of: ({ replays }) => replays },
  { head: 'failed at (UTC)', of: ({ failedAt }) => failedAt },
  { head: 'request id', of: ({ requestId }) => requestId },
  { head: 'sequence number', of: ({ sequenceNumber }) => sequenceNumber },
];
