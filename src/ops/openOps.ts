import type { AcceptTools } from '../accept.js';
import type { Config } from '../config.js';
import { openQueueManagement } from '../edges/queueManagement.js';
import { openTable } from '../edges/table.js';
import type { HealthTools } from '../health.js';
import { type Discarded, openDiscardedLetters } from '../letters/openDiscardedLetters.js';
import type { Pace } from '../pace/Pace.js';
import { openActions } from './actions/openActions.js';
import { openLetterBook } from './letters/openLetterBook.js';
import type { OpsTools } from './OpsTools.js';
import { openSamples, type StoredSample } from './overview/openSamples.js';
import { openRecordBook } from './records/openRecordBook.js';

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
