import type { Config } from '../config/config.js';
import type { HealthTools } from '../health/health.js';
import type { AcceptTools } from '../provisioning/accept.js';
import { openQueueManagement, type QueueManagement } from '../queue/administration.js';
import { type Discarded, type DiscardedLetters, openDiscardedLetters } from '../queue/deadLetters.js';
import { openTable } from '../storage/table.js';
import type { Pace } from '../throttling/rateLimiter.js';
import { type Actions, openActions } from './bulk/repository.js';
import { type LetterBook, openLetterBook } from './deadLetters/snapshot.js';
import { openRecordBook, type RecordBook } from './devices/snapshot.js';
import { openSamples, type Samples, type StoredSample } from './overview/samples.js';

/** What ops work with. */
export interface OpsTools extends AcceptTools, HealthTools {
  pace: Pace;
  /** The hub's limit of registry operations. */
  operationsPerMinute: number;
  management: QueueManagement;
  recordBook: RecordBook;
  letterBook: LetterBook;
  discarded: DiscardedLetters;
  actions: Actions;
  samples: Samples;
}

/** What ops work with, beside what all others do. */
export function openOps(
  config: Pick<Config, 'records' | 'queue' | 'operationsPerMinute'>,
  tools: AcceptTools & HealthTools & { pace: Pace },
): OpsTools {
  const table = <T>() => openTable<T>({ ...config.records, name: 'ops' });
  return {
    ...tools,
    operationsPerMinute: config.operationsPerMinute,
    management: openQueueManagement(config.queue),
    recordBook: openRecordBook(tools),
    letterBook: openLetterBook(tools),
    discarded: openDiscardedLetters(table<Discarded>()),
    actions: openActions(table<unknown>()),
    samples: openSamples(table<StoredSample>()),
  };
}
